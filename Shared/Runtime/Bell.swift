import Synchronization

/// Says "look again" to everybody who waits, as often as there is reason to.
public final class Bell: Sendable {
    private let present = Mutex(Latch())

    public init() {}

    /// Take it before looking: a ring between the look and the wait is then not missed.
    public func next() -> Latch { present.withLock { $0 } }

    public func ring() {
        present.withLock { latch in
            defer { latch = Latch() }
            return latch
        }.open()
    }
}
