import Models

/// The decision after a failed attempt: try again after a pause, or give up.
public enum Backoff {
    public static let baseSeconds = 2.0
    public static let capSeconds = 300.0

    /// The pause with full jitter: between nothing and twice the longest pause of the attempt
    /// before, so that lanes which failed together do not come back together.
    ///
    /// - Parameters:
    ///   - attempt: the attempt that failed, from 1.
    ///   - jitter: a random number, `0..<1`.
    public static func seconds(attempt: Int, jitter: Double) -> Double {
        let doublings = max(1, min(attempt, 31)) - 1
        var ceiling = baseSeconds
        for _ in 0..<doublings where ceiling < capSeconds { ceiling *= 2 }
        return min(ceiling, capSeconds) * jitter
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
            .again(.retry(afterSeconds: 0, refundsAttempt: true))
        case .throttled(let cause, let retryAfterSeconds):
            .again(
                .retry(
                    afterSeconds: max(0, retryAfterSeconds), refundsAttempt: true, because: cause))
        case .permanent(let cause):
            .giveUp(cause)
        case .retryable(let cause):
            attempt < attemptsMax
                ? .again(
                    .retry(
                        afterSeconds: seconds(attempt: attempt, jitter: jitter),
                        refundsAttempt: false, because: cause))
                : .giveUp(cause)
        }
    }
}
