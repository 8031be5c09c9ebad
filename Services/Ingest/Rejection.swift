import HTTP

/// The reasons for which a delivery is refused. Each is an answer; nothing of the delivery was
/// stored.
///
/// The vendors decide by the status: PagerDuty drops a webhook for good on any 4xx but 429 and
/// retries on 5xx (PagerDuty.md 23 and 24). Our own faults must therefore be 503, and only requests
/// that are not theirs may be 4xx.
enum Rejection: Error, Equatable, Sendable, CustomStringConvertible {
    case notFound
    /// `allowed` is the value of the header field `Allow`.
    case methodNotAllowed(allowed: String)
    case unsupportedMediaType(expected: String)
    /// Not proven to come from the vendor. The sentence must tell the sender nothing about our
    /// secrets.
    case unauthentic(String)
    /// It names a subscription that we know, but matches none of our secrets: a secret was rotated
    /// at the vendor. The vendor keeps the delivery, and an alarm calls the operator.
    case subscriptionSecretStale(subscription: String)
    case malformed(String)
    case tooLarge(String)
    /// The database is away or refuses the events. Events accepted before are safe.
    case unavailable
    /// Too many events wait for their commit.
    case overloaded
    /// Too many events of the connection wait for the workers.
    case backlogged

    static let retryAfter = Duration.seconds(2)

    /// The reason in words, for the log.
    var description: String {
        switch self {
        case .notFound: "there is no such path or connection"
        case .methodNotAllowed(let allowed): "the method is not \(allowed)"
        case .unsupportedMediaType(let expected): "the content is not plain \(expected) in UTF-8"
        case .unauthentic(let reason), .malformed(let reason), .tooLarge(let reason): reason
        case .subscriptionSecretStale(let subscription):
            "the signature matches no secret of subscription \(subscription)"
        case .unavailable: "the database is not available"
        case .overloaded: "too many events wait for their commit"
        case .backlogged: "too many events of the connection wait for the workers"
        }
    }

    var response: HTTPResponse {
        switch self {
        case .notFound:
            .problem(
                status: 404,
                detail: "This server has no such path or connection; check the webhook's URL.")
        case .methodNotAllowed(let allowed): .methodNotAllowed(allowed: allowed)
        case .unsupportedMediaType(let expected):
            .problem(
                status: 415,
                detail: "Content-Type is missing or not accepted; send \(expected) in UTF-8"
                    + " without Content-Encoding.")
        case .unauthentic(let detail):
            .problem(status: 401, detail: detail, headers: ["WWW-Authenticate": "Signature"])
        case .subscriptionSecretStale:
            .unavailable(
                retryAfter: Self.retryAfter,
                detail: "The signature matches no secret of this subscription; send it again later."
            )
        case .malformed(let detail):
            .problem(status: 400, detail: detail)
        case .tooLarge(let detail):
            .problem(status: 413, detail: detail)
        case .unavailable:
            .unavailable(
                retryAfter: Self.retryAfter,
                detail: "The database is not available; send the delivery again.")
        case .overloaded:
            .unavailable(
                retryAfter: Self.retryAfter,
                detail: "Too many events wait for their commit; send the delivery again.")
        case .backlogged:
            .unavailable(
                retryAfter: Self.retryAfter,
                detail: "Too many events of this connection wait for the workers; send it again.")
        }
    }
}
