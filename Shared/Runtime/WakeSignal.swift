import Synchronization

/// Says "look again" to everybody who waits, as often as there is reason to.
public final class WakeSignal: Sendable {
    private let present = Mutex(Latch())

    public init() {}

    /// Take it before looking: a wake between the look and the wait is then not missed.
    public func next() -> Latch { present.withLock { $0 } }

    public func wake() {
        present.withLock { latch in
            defer { latch = Latch() }
            return latch
        }.open()
    }
}
