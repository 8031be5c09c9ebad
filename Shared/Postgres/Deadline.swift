/// A moment on the monotonic clock by which something must have happened.
struct Deadline: Sendable {
    private let instant: ContinuousClock.Instant

    init(after timeout: Duration) {
        instant = .now.advanced(by: timeout)
    }

    /// The time left, rounded up so that a wait never ends just before the deadline; 0 after it.
    var millisecondsLeft: Int32 {
        let left = ContinuousClock.now.duration(to: instant) / .milliseconds(1)
        return Int32(max(0, min(left.rounded(.up), Double(Int32.max))))
    }
}
