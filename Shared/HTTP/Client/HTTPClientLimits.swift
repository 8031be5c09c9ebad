/// Bounds of a client, over all its requests.
public struct HTTPClientLimits: Sendable {
    /// Requests under way. One host never has more than two thirds of what the others leave, so
    /// that where several are slow there is something left for the next one.
    public var connectionsMax = 512
    /// Further requests to the same host and port wait.
    public var connectionsPerHostMax = 8
    /// One that waited longer ends as `notBegun`.
    public var waitMax = Duration.seconds(60)
    /// A connection that idled longer is not used again: its server may be about to close it.
    public var connectionIdleMax = Duration.seconds(30)
    public var connectTimeout = Duration.seconds(10)
    /// A longer answer ends as `unknownOutcome`.
    public var responseBytesMax = 16 << 20
    public var responseHeaderBytesMax = 64 << 10

    public init() {}
}
