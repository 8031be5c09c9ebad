/// Bounds on what clients can make a server hold. Time-outs run from the start of their phase,
/// whatever the client sends in between, so that a client that sends slowly is cut off.
public struct HTTPServerLimits: Sendable {
    /// Open connections; the next one is answered 503 and closed.
    public var connectionsMax = 4096
    /// Requests that handlers work on; the next one is answered 503 without calling the handler.
    public var requestsInFlightMax = 1024
    /// Sum over all connections of request bytes received and not yet answered; the request that
    /// goes over it is answered 503.
    public var bufferedBytesMax = 128 << 20

    /// The time from a request's first byte, or the opening of the connection, to the end of its
    /// head.
    public var headTimeout = Duration.seconds(5)
    /// The time from the end of the head to the end of the body.
    public var bodyTimeout = Duration.seconds(10)
    /// The time from the whole request to the handler's answer; then the client gets 503.
    public var handlerTimeout = Duration.seconds(30)
    /// The time from the handler's answer to the last byte that the client takes.
    public var responseTimeout = Duration.seconds(30)
    /// The time between two requests of a connection. It is longer than the usual 60 s of load
    /// balancers, so that they close first and never send into a closing connection.
    public var idleTimeout = Duration.seconds(75)
    /// The time for which a closing connection may still send; what it sends is discarded.
    public var lingerMax = Duration.seconds(2)

    /// Also the limit of the request line (8000 is the least RFC 9112 section 3 recommends).
    public var headerFieldBytesMax = 8192
    public var headerFieldsMax = 64
    /// The whole head, request line included.
    public var headerBytesMax = 32768

    public init() {}
}
