/// Bounds on what clients can make a server hold. Deadlines are absolute: they run from the start
/// of their phase whatever the client sends in between, so that a slow drip ends.
public struct HTTPServerLimits: Sendable {
    /// Open connections; the next one is answered 503 and closed.
    public var connectionsMax = 4096
    /// Requests that handlers work on; the next one is answered 503 without calling the handler.
    public var requestsInFlightMax = 1024
    /// Sum over all connections of request bytes received and not yet answered; the request that
    /// goes over it is answered 503.
    public var bufferedBytesMax = 128 << 20

    /// From the first byte of a request (or the connection's opening) to the end of its head.
    public var headTimeout = Duration.seconds(5)
    /// From the end of the head to the end of the body.
    public var bodyTimeout = Duration.seconds(10)
    /// From the whole request to the handler's answer; after it the client gets 503.
    public var handlerTimeout = Duration.seconds(30)
    /// From the handler's answer to the last byte the client takes.
    public var responseTimeout = Duration.seconds(30)
    /// Between two requests of a connection. Longer than the usual 60 of load balancers, so that
    /// they close first and never send into a closing connection.
    public var idleTimeout = Duration.seconds(75)
    /// How long a closing connection may still send what nobody reads.
    public var lingerMax = Duration.seconds(2)

    /// Also the limit of the request line (8000 is the least RFC 9112 section 3 recommends).
    public var headerFieldBytesMax = 8192
    public var headerFieldsMax = 64
    /// The whole head, request line included.
    public var headerBytesMax = 32768

    public init() {}
}
