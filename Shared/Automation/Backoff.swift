import Models

/// Decides when a failed attempt is repeated, and when it is the last one.
public enum Backoff {
    public static let base = Duration.seconds(2)
    public static let delayMax = Duration.seconds(300)
    /// The longest pause that a vendor may ask for; longer ones are cut to this.
    private static let throttledMax = Duration.seconds(30 * 86_400)

    /// Full jitter: any delay between nothing and twice the last maximum, so that lanes which
    /// failed together do not come back together.
    ///
    /// - Parameters:
    ///   - attempt: the number of the attempt that failed, from 1.
    ///   - jitter: a random number of `0..<1`.
    public static func delay(attempt: Int, jitter: Double) -> Duration {
        let doublings = max(1, min(attempt, 31)) - 1
        var ceiling = base
        for _ in 0..<doublings where ceiling < delayMax { ceiling *= 2 }
        return min(ceiling, delayMax) * jitter
    }

    public enum RetryDecision: Equatable, Sendable {
        case again(LaneSettlement.Next)
        /// The event is marked failed; the lane goes on.
        case giveUp(Cause)
    }

    /// - Parameter attempt: the number of the attempt that failed, from 1.
    public static func decision(
        after failure: Failure, attempt: Int, attemptsMax: Int, jitter: Double
    ) -> RetryDecision {
        switch failure {
        case .interrupted:
            .again(.retry(after: .zero, refundsAttempt: true))
        case .throttled(let cause, let retryAfter):
            .again(
                .retry(
                    after: min(max(.zero, retryAfter), throttledMax), refundsAttempt: true,
                    because: cause))
        case .permanent(let cause):
            .giveUp(cause)
        case .retryable(let cause):
            attempt < attemptsMax
                ? .again(
                    .retry(
                        after: delay(attempt: attempt, jitter: jitter),
                        refundsAttempt: false, because: cause))
                : .giveUp(cause)
        }
    }
}
