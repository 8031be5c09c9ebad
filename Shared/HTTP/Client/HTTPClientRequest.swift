/// A call to make. Header names must be tokens and neither side may hold control characters;
/// `Content-Length`, `Transfer-Encoding`, `Host`, `Connection` and `Expect` are the client's own.
public struct HTTPClientRequest: Sendable {
    public var method: String
    /// Absolute, `http` or `https`, without user information.
    public var url: String
    public var headers: HTTPHeaders
    public var body: [UInt8]
    /// The whole exchange: waiting for a connection, connecting, sending and receiving.
    public var timeoutSeconds: Double

    public init(
        method: String, url: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
        timeoutSeconds: Double = 30
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutSeconds = timeoutSeconds
    }
}

/// Why there is no answer. The case says what may have happened at the other side, which is what
/// the caller needs to decide about a retry; `reason` is for people.
public enum HTTPClientError: Error, Sendable, Equatable {
    /// Certainly no byte of the request reached the server: malformed, DNS, connect, TLS.
    case notSent(reason: String)
    /// Bytes were sent and no whole answer came: the effect may or may not have happened.
    case unknownOutcome(reason: String)
    /// The task was cancelled or the client shut down; the effect may or may not have happened.
    case cancelled
}

/// Bounds of a client, over all its requests.
public struct HTTPClientLimits: Sendable {
    public var connectionsMax = 64
    /// Further requests to the same host and port wait for a connection within their time-out.
    public var connectionsPerHostMax = 8
    /// A connection that idled longer is not used again: its server may be about to close it.
    public var connectionIdleSeconds = 30.0
    public var connectTimeoutSeconds = 10.0
    /// A longer answer ends as `unknownOutcome`.
    public var responseBytesMax = 16 << 20
    public var responseHeaderBytesMax = 64 << 10

    public init() {}
}
