import Runtime

struct AppendLimits: Sendable {
    /// The most events of one commit, and the most bytes of their payloads. A delivery that holds
    /// more by itself is committed alone.
    var batchEventsMax = 256
    var batchBytesMax = 4 << 20
    /// The most events that may wait for their commit to begin; the next delivery is refused.
    var waitingEventsMax = 8192
    /// The next delivery is refused once the oldest has waited this long for its commit to begin:
    /// it would be answered after its sender has given up.
    var waitMax = Duration.milliseconds(800)
    /// Commits under way at the same time.
    var writers = 2
    /// The longest wait for further events while another commit is under way, which may be one that
    /// hangs.
    var lingerMax = Duration.milliseconds(20)
    /// All deliveries are refused for this time once the database is away; then one is let in to
    /// try it again.
    var retryPause = Duration.milliseconds(500)

    var batches: BatchLimits {
        BatchLimits(
            sizeMax: BatchSize(count: batchEventsMax, bytes: batchBytesMax), callsMax: writers,
            lingerMax: lingerMax)
    }
}
