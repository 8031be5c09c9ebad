import Models
import Runtime

/// The time as a worker's calls to vendors go by it; elsewhere the database owns the clock.
struct Clocks: Sendable {
    /// What a vendor's own clock shows, too.
    var now: @Sendable () -> Timestamp
    /// Never goes back; from any beginning.
    var seconds: @Sendable () -> Double

    static var system: Clocks {
        let start = ContinuousClock.now
        return Clocks(
            now: { Timestamp(milliseconds: Int64(WallTime.now().milliseconds)) },
            seconds: { (ContinuousClock.now - start) / .seconds(1) })
    }
}
