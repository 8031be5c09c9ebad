import Models
import Runtime

/// The clocks that calls to vendors go by; elsewhere the database owns the clock.
struct Clocks: Sendable {
    /// The time of day, as the vendors' own clocks show it.
    var now: @Sendable () -> Timestamp
    /// A clock that never goes back.
    var instant: @Sendable () -> ContinuousClock.Instant

    static let system = Clocks(
        now: { Timestamp(milliseconds: Int64(WallTime.now().milliseconds)) },
        instant: { ContinuousClock.now })
}
