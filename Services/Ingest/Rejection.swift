import HTTP

/// Why a delivery gets no receipt. Each case is an answer; nothing of it was stored.
///
/// The vendors decide by the status: PagerDuty drops a webhook for good on any 4xx but 429 and
/// retries on 5xx (PagerDuty.md 23 and 24), so our own trouble must be 503 and only what is not
/// theirs may be 4xx.
enum Rejection: Error, Equatable, Sendable {
    case notFound
    /// `allowed` is the value of the header field `Allow`.
    case methodNotAllowed(allowed: String)
    case unsupportedMediaType(expected: String)
    /// Not proven to come from the vendor. The sentence tells the sender nothing that it did not
    /// send.
    case unauthentic(String)
    /// It names a subscription that we know, but no secret of ours fits: a secret was exchanged at
    /// the vendor. The vendor keeps it while the operator is called.
    case subscriptionSecretStale(subscription: String)
    case malformed(String)
    case tooLarge(String)
    /// The database is away, or refuses. What was accepted before is safe.
    case unavailable
    /// Too much comes in at once.
    case overloaded
    /// Too much of the connection waits for the workers.
    case backlogged

    static let retryAfter = Duration.seconds(2)

    var response: HTTPResponse {
        switch self {
        case .notFound:
            .problem(status: 404, detail: "There is no such path or connection.")
        case .methodNotAllowed(let allowed): .methodNotAllowed(allowed: allowed)
        case .unsupportedMediaType(let expected):
            .problem(status: 415, detail: "Send \(expected) in UTF-8 without a content coding.")
        case .unauthentic(let detail):
            .problem(status: 401, detail: detail, headers: ["WWW-Authenticate": "Signature"])
        case .subscriptionSecretStale:
            .unavailable(
                retryAfter: Self.retryAfter,
                detail: "No secret of this subscription fits the signature; keep the delivery.")
        case .malformed(let detail):
            .problem(status: 400, detail: detail)
        case .tooLarge(let detail):
            .problem(status: 413, detail: detail)
        case .unavailable:
            .unavailable(
                retryAfter: Self.retryAfter, detail: "The log cannot be written now.")
        case .overloaded:
            .unavailable(
                retryAfter: Self.retryAfter,
                detail: "Too many events wait for their commit.")
        case .backlogged:
            .unavailable(
                retryAfter: Self.retryAfter,
                detail: "Too many events of this connection wait to be worked on.")
        }
    }
}
