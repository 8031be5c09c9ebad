/// The reasons for which a request got no answer. The case says what may have happened at the
/// server, which decides about a retry; `reason` is for people.
public enum HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No connection became free in time, or `mayBegin` returned false. Nothing was sent, and
    /// nothing is known of the server.
    case notBegun(reason: String)
    /// Certainly no byte of the request reached the server: malformed, DNS, connect, TLS.
    case notSent(reason: String)
    /// Bytes were sent and no whole answer came: the effect may or may not have happened.
    case unknownOutcome(reason: String)
    /// The task was cancelled or the client shut down; the effect may or may not have happened.
    case cancelled

    public var description: String {
        switch self {
        case .notBegun(let reason): "the request was not begun: \(reason)"
        case .notSent(let reason): "the request was not sent: \(reason)"
        case .unknownOutcome(let reason): "the request was sent and got no whole answer: \(reason)"
        case .cancelled: "the request was cancelled"
        }
    }
}

/// The reason for which a client could not be made: libcurl or the system gave no handle.
public enum HTTPClientSetupError: Error, Sendable, Equatable, CustomStringConvertible {
    case unavailable(reason: String)

    public var description: String {
        switch self {
        case .unavailable(let reason): "the HTTP client cannot start: \(reason)"
        }
    }
}
