/// What is known of a vendor's health, and what it means for calls to it.
///
///     closed --check failed--> open --its pause is over--> half-open --check--> closed or open
///
/// A call that fails for want of an answer asks whether that is the call's fault or the vendor's: a
/// check, a cheap call of its own, tells. So an event that the vendor cannot digest uses up its
/// attempts and is given up, while an outage of hours costs no event an attempt.
public enum Breaker: Equatable, Sendable {
    /// Calls go through.
    case closed
    /// So many checks in a row failed. Nobody calls for so long.
    case open(trips: Int, seconds: Double)
    /// The pause is over: one of all workers checks, the others wait for what it finds.
    case halfOpen(trips: Int)

    /// How long a check may take; after that somebody else may try.
    public static let checkSeconds = 5.0
    public static let firstPauseSeconds = 1.0
    public static let lastPauseSeconds = 60.0

    /// As the workers' shared memory has it.
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

    /// What a check makes of it.
    ///
    /// - Parameter jitter: a die, `0..<1`: pauses double, and are from half to the whole of it.
    public func checked(isUp: Bool, jitter: Double) -> Breaker {
        if isUp { return .closed }
        var pause = Self.firstPauseSeconds
        for _ in 0..<min(trips, 30) where pause < Self.lastPauseSeconds { pause *= 2 }
        return .open(
            trips: trips + 1, seconds: min(pause, Self.lastPauseSeconds) * (1 + jitter) / 2)
    }
}
