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
