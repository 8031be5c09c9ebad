import Synchronization

/// From which moment on each connection's lanes can be due. What was due earlier is leased already;
/// looking for it would walk over everything that ever was due, for as long as somebody's forgotten
/// transaction keeps the dead entries of the index from being cleaned away
/// (Queue.md 14).
///
/// Moments are seconds since 1970 by the database's clock.
final class LeaseFloors: Sendable {
    /// A lane that becomes due in a transaction is seen no earlier than at its end, and one that
    /// somebody holds locked is passed over. Whoever had to wait for a lock first takes the time
    /// from the clock, not from the transaction's start.
    private static let slack = 2.0
    /// Every so often everything is looked at, for lanes of transactions that took longer.
    private static let resetPeriod = 20.0

    private struct State {
        var byNumber: [Double] = []
        var resetAt: Double
        /// Of the last lease.
        var now: Double
    }

    private let state = Mutex(State(resetAt: 0, now: 0))

    /// By the connection's number; 0 for any moment.
    var present: [Double] { state.withLock { $0.byNumber } }

    /// A lease that ran from a floor knows nothing of what lies below it: when everything is to be
    /// looked at, it is the next one that does. So it is after the clock was set back, too.
    ///
    /// - Parameters:
    ///   - leased: connections, and when lanes of theirs that were leased had become due: of each
    ///     connection the oldest that there were.
    ///   - now: of the lease.
    func raise(by leased: some Sequence<(Int32, Double)>, at now: Double) {
        state.withLock { state in
            guard now > state.now - Self.slack,
                now - state.resetAt < Self.resetPeriod
            else {
                state = State(resetAt: now, now: now)
                return
            }
            state.now = now
            var oldest: [Int: Double] = [:]
            for (connection, readyAt) in leased where connection >= 0 {
                oldest[Int(connection)] = min(oldest[Int(connection)] ?? .infinity, readyAt)
            }
            for (connection, readyAt) in oldest {
                let floor = min(readyAt, now) - Self.slack
                while state.byNumber.count <= connection { state.byNumber.append(0) }
                state.byNumber[connection] = max(state.byNumber[connection], floor)
            }
        }
    }
}
