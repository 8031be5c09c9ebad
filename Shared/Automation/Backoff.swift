import Models

/// The decision after a failed attempt: try again after a pause, or give up.
public enum Backoff {
    public static let base = Duration.seconds(2)
    public static let cap = Duration.seconds(300)
    /// A vendor may ask for any pause; longer ones are cut to this.
    private static let throttledMax = 30 * 86_400.0

    /// The pause with full jitter: between nothing and twice the longest pause of the attempt
    /// before, so that lanes which failed together do not come back together.
    ///
    /// - Parameters:
    ///   - attempt: the attempt that failed, from 1.
    ///   - jitter: a random number, `0..<1`.
    public static func delay(attempt: Int, jitter: Double) -> Duration {
        let doublings = max(1, min(attempt, 31)) - 1
        var ceiling = base
        for _ in 0..<doublings where ceiling < cap { ceiling *= 2 }
        return min(ceiling, cap) * jitter
    }

    public enum RetryDecision: Equatable, Sendable {
        case again(LaneSettlement.Next)
        /// The event is marked failed; the lane goes on.
        case giveUp(Cause)
    }

    /// - Parameter attempt: the attempt that failed, from 1.
    public static func decision(
        after failure: Failure, attempt: Int, attemptsMax: Int, jitter: Double
    ) -> RetryDecision {
        switch failure {
        case .interrupted:
            .again(.retry(after: .zero, refundsAttempt: true))
        case .throttled(let cause, let retryAfterSeconds):
            .again(
                .retry(
                    after: .seconds(min(max(0, retryAfterSeconds), throttledMax)),
                    refundsAttempt: true, because: cause))
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
