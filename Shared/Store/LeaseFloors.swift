import Synchronization

/// The moments from which on each connection's lanes can be due. Lanes that were due earlier are
/// leased already. Looking for them would read all index entries that ever were due, as long as a
/// forgotten transaction keeps the dead ones from being cleaned away (Queue.md 14).
///
/// Moments are seconds since 1970 by the database's clock.
final class LeaseFloors: Sendable {
    /// The seconds by which a floor stays below the lanes it was made from. A lane that becomes due
    /// in a transaction is seen at the transaction's end, and a locked lane is skipped. Statements
    /// that wait for a lock take the time from the clock and not from the transaction's start.
    private static let slack = 2.0
    /// Each lease after this many seconds looks at everything, for lanes of transactions that took
    /// longer.
    private static let resetPeriod = 20.0

    private struct Floors {
        var byNumber: [Double] = []
        var resetAt: Double
        /// The moment of the last lease.
        var now: Double
    }

    private let floors = Mutex(Floors(resetAt: 0, now: 0))

    /// The floor of each connection, by its number; 0 allows any moment.
    var present: [Double] { floors.withLock { $0.byNumber } }

    /// Raises the floors after a lease. A lease from a floor knows no lane below it. When all lanes
    /// are to be looked at, or the clock was set back, the floors are removed and the next lease
    /// does.
    ///
    /// - Parameters:
    ///   - leased: the connections of the leased lanes, which were the oldest due ones, and the
    ///     moments at which the lanes became due.
    ///   - now: the moment of the lease.
    func raise(by leased: some Sequence<(Int32, Double)>, at now: Double) {
        floors.withLock { floors in
            guard now > floors.now - Self.slack,
                now - floors.resetAt < Self.resetPeriod
            else {
                floors = Floors(resetAt: now, now: now)
                return
            }
            floors.now = now
            var oldest: [Int: Double] = [:]
            for (connection, readyAt) in leased where connection >= 0 {
                oldest[Int(connection)] = min(oldest[Int(connection)] ?? .infinity, readyAt)
            }
            for (connection, readyAt) in oldest {
                let floor = min(readyAt, now) - Self.slack
                while floors.byNumber.count <= connection { floors.byNumber.append(0) }
                floors.byNumber[connection] = max(floors.byNumber[connection], floor)
            }
        }
    }
}
