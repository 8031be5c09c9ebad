/// A call to make. Header names must be tokens and neither side may hold control characters;
/// `Content-Length`, `Transfer-Encoding`, `Host`, `Connection` and `Expect` are the client's own.
public struct HTTPClientRequest: Sendable {
    public var method: String
    /// Absolute, `http` or `https`, without user information.
    public var url: String
    public var headers: HTTPHeaders
    public var body: [UInt8]
    /// The longest time for connecting, sending and receiving together. The wait for a free
    /// connection is not part of it, as it says nothing about the server.
    public var timeout: Duration
    /// Goes before all other waiting requests to its host, over one connection more than they may
    /// have.
    public var isUrgent = false
    /// Called at the last moment, on the client's thread: false ends the request as `notBegun`.
    public var mayBegin: @Sendable () -> Bool = { true }

    public init(
        method: String, url: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
        timeout: Duration = .seconds(30)
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }
}
