import Synchronization

/// Wakes all who wait, any number of times.
public final class WakeSignal: Sendable {
    private let present = Mutex(Latch())

    public init() {}

    /// The latch that the next wake opens. Take it before checking the condition: a wake between
    /// the check and the wait is then not missed.
    public func next() -> Latch { present.withLock { $0 } }

    public func wake() {
        present.withLock { latch in
            defer { latch = Latch() }
            return latch
        }.open()
    }
}
