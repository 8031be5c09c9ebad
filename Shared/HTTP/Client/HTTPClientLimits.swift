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
