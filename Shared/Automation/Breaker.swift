/// A circuit breaker: what is known of a vendor's health decides about calls to it.
///
///     closed --check failed--> open --its pause is over--> half-open --check--> closed or open
///
/// A check, which is a cheap call, tells if a call without an answer is the call's fault or the
/// vendor's. So an event that the vendor cannot process uses up its attempts and is given up, while
/// an outage of hours costs no event an attempt.
public enum Breaker: Equatable, Sendable {
    /// Calls go through.
    case closed
    /// So many checks in a row failed. No worker calls until this time has passed.
    case open(trips: Int, seconds: Double)
    /// The pause is over: one of all workers checks, and the others wait for its result.
    case halfOpen(trips: Int)

    /// The longest time of one check; after it another worker may check.
    public static let checkSeconds = 5.0
    public static let firstPauseSeconds = 1.0
    public static let lastPauseSeconds = 60.0

    /// The state that the workers share in the database.
    public init(trips: Int, secondsLeft: Double) {
        self =
            if trips <= 0 {
                .closed
            } else if secondsLeft > 0 {
                .open(trips: trips, seconds: secondsLeft)
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

    /// The state after a check.
    ///
    /// - Parameter jitter: a random number, `0..<1`. Pauses double; each one is from half to the
    ///   whole of that.
    public func checked(isUp: Bool, jitter: Double) -> Breaker {
        if isUp { return .closed }
        var pause = Self.firstPauseSeconds
        for _ in 0..<min(trips, 30) where pause < Self.lastPauseSeconds { pause *= 2 }
        return .open(
            trips: trips + 1, seconds: min(pause, Self.lastPauseSeconds) * (1 + jitter) / 2)
    }
}
