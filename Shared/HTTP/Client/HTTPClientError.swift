/// Why there is no answer. The case says what may have happened at the other side, which is what
/// the caller needs to decide about a retry; `reason` is for people.
public enum HTTPClientError: Error, Sendable, Equatable {
    /// It did not come to its turn in time, or `mayBegin` said no. Nothing was sent, and nothing
    /// is known of the server.
    case notBegun(reason: String)
    /// Certainly no byte of the request reached the server: malformed, DNS, connect, TLS.
    case notSent(reason: String)
    /// Bytes were sent and no whole answer came: the effect may or may not have happened.
    case unknownOutcome(reason: String)
    /// The task was cancelled or the client shut down; the effect may or may not have happened.
    case cancelled
}

/// Why a client could not be made: libcurl or the system gave no handle.
public enum HTTPClientSetupError: Error, Sendable, Equatable {
    case unavailable(reason: String)
}
