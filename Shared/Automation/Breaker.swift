/// A vendor's health, and what it means for calls to the vendor.
///
///     closed --check failed--> open --its pause is over--> half-open --check--> closed or open
///
/// A call that fails without an answer leads to a check, a cheap call of its own. The check tells
/// whether the call or the vendor is at fault. So an event that the vendor cannot process uses up
/// its attempts and fails, while an outage of hours costs no event an attempt.
public enum Breaker: Equatable, Sendable {
    /// Calls are made.
    case closed
    /// This many checks in a row failed. No worker calls until the pause is over.
    case open(trips: Int, pause: Duration)
    /// The pause is over: one of all workers checks, the others wait for its result.
    case halfOpen(trips: Int)

    /// The longest that a check may take; after that another worker may check.
    public static let checkMax = Duration.seconds(5)
    public static let firstPause = Duration.seconds(1)
    public static let lastPause = Duration.seconds(60)

    /// The breaker as the workers' shared row has it.
    public init(trips: Int, pauseLeft: Duration) {
        self =
            if trips <= 0 {
                .closed
            } else if pauseLeft > .zero {
                .open(trips: trips, pause: pauseLeft)
            } else {
                .halfOpen(trips: trips)
            }
    }

    /// Failed checks in a row.
    public var trips: Int {
        switch self {
        case .closed: 0
        case .open(let trips, _), .halfOpen(let trips): trips
        }
    }

    /// The breaker after a check.
    ///
    /// - Parameter jitter: a random number of `0..<1`. Pauses double, and last from half to the
    ///   whole of that.
    public func checked(isUp: Bool, jitter: Double) -> Breaker {
        if isUp { return .closed }
        var pause = Self.firstPause
        for _ in 0..<min(trips, 30) where pause < Self.lastPause { pause *= 2 }
        return .open(trips: trips + 1, pause: min(pause, Self.lastPause) * ((1 + jitter) / 2))
    }
}
