import Models
import Postgres

/// The times for which data are kept.
public struct Retention: Sendable {
    /// The days for which events are kept, with their ledger and effects. An event that waits in a
    /// lane is kept longer.
    public var logDays: Int32
    /// The most rows that one transaction deletes.
    var rowsAtOnceMax: Int
    /// The longest time in which rows of one kind are deleted in a round.
    var timeMax: Duration

    /// The number of partitions that exist before their day begins.
    static let segmentsAhead: Int32 = 3

    public init(logDays: Int32 = 30) {
        self.init(logDays: logDays, rowsAtOnceMax: 20_000)
    }

    init(logDays: Int32 = 30, rowsAtOnceMax: Int, timeMax: Duration = .seconds(300)) {
        self.logDays = logDays
        self.rowsAtOnceMax = rowsAtOnceMax
        self.timeMax = timeMax
    }
}

/// The result of a round of maintenance.
public struct MaintenanceReport: Equatable, Sendable {
    public var segmentsDropped: [Segment] = []
    public var periodsDropped: [Int32] = []
    /// Days that were due while their tables were in use. The next round tries again.
    public var segmentsBusy: [Segment] = []
    public var lanesDeleted = 0
    /// The lanes of unserved connections whose events older than the retention were given up.
    public var lanesExpired = 0
}

/// The parts of a round, in their order.
private enum MaintenancePart: CaseIterable {
    case partitionsAhead, lanesOfDisabledConnections, oldSegments, oldPeriods, oldLanes,
        oldPostponements
}

extension Store {
    /// Creates the partitions of the next days and deletes data that are over. Once an hour is
    /// enough. Several workers may run it at once, and it may be stopped at any point. Each part
    /// runs even if another fails: on a full disk the parts that free space must not fail for the
    /// one that needs some.
    ///
    /// - Throws: the first error, after all parts.
    public func maintain(_ retention: Retention) async throws(StoreError) -> MaintenanceReport {
        var done = MaintenanceReport()
        var failure: StoreError?
        for part in MaintenancePart.allCases {
            do {
                try await perform(part, retention, &done)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return done
    }

    private func perform(
        _ part: MaintenancePart, _ retention: Retention, _ done: inout MaintenanceReport
    ) async throws(StoreError) {
        switch part {
        case .partitionsAhead: try await createPartitions()
        case .lanesOfDisabledConnections: done.lanesExpired = try await expireLanes(retention)
        case .oldSegments: try await dropSegments(retention, &done)
        case .oldPeriods: try await dropPeriods(&done)
        case .oldLanes: done.lanesDeleted = try await deleteIdleLanes(retention)
        case .oldPostponements: try await deletePostponements(retention)
        }
    }

    private func dropSegments(
        _ retention: Retention, _ done: inout MaintenanceReport
    ) async throws(StoreError) {
        for segment in try await segmentsOver(retention) {
            if try await drop(["effect_\(segment)", "settlement_\(segment)", "job_\(segment)"]) {
                done.segmentsDropped.append(segment)
            } else {
                done.segmentsBusy.append(segment)
            }
        }
    }

    private func dropPeriods(_ done: inout MaintenanceReport) async throws(StoreError) {
        for period in try await periodsOver() where try await drop(["deduplication_\(period)"]) {
            done.periodsDropped.append(period)
        }
    }

    /// Moves the lanes of unserved connections past the events that are older than the retention,
    /// so that these keep no day of the log. Such a connection is switched off, or blocked for good
    /// because it was moved into another database. The events are dropped with their day,
    /// unsettled. If the connection is applied again, its lanes go on with the rest.
    ///
    /// A lane that a worker still has is left alone, because its settlement needs its day.
    private func expireLanes(_ retention: Retention) async throws(StoreError) -> Int {
        let stale = try await query(
            """
            SELECT lane_id, oldest FROM lane JOIN connection ON number = lane.connection,
                (SELECT segment_now() - \(retention.logDays)) AS kept (oldest)
            WHERE state = 1 AND segment < oldest AND NOT (\(Self.isServed))
            ORDER BY lane_id
            """, timeout: .seconds(60)
        ).values(LaneID.self, Segment.self)
        guard let oldest = stale.first?.1 else { return 0 }
        var expired = 0
        for start in stride(from: 0, to: stale.count, by: retention.rowsAtOnceMax) {
            let lanes = stale[start...].prefix(retention.rowsAtOnceMax).map(\.0)
            expired += try await expire(lanes, before: oldest)
        }
        return expired
    }

    /// The first statement locks the lanes, so that the second sees every event appended before.
    private func expire(
        _ lanes: [LaneID], before oldest: Segment
    ) async throws(StoreError) -> Int {
        let isStale: SQL = "lane_id = ANY (\(lanes)) AND state = 1 AND segment < \(oldest)"
        let rows = try await runByIndex([
            "SELECT FROM lane WHERE \(isStale) ORDER BY lane_id FOR UPDATE",
            """
            UPDATE lane SET attempt = 0, ready_at = clock_timestamp(),
                (state, done, segment) = (
                    SELECT count(*)::int2, coalesce(min(head.sequence) - 1, lane.tail),
                        coalesce(min(head.segment), lane.tail_segment)
                    FROM (
                        SELECT sequence, segment FROM job
                        WHERE job.lane_id = lane.lane_id AND job.sequence > lane.done
                            AND job.segment BETWEEN \(oldest) AND lane.tail_segment
                        ORDER BY sequence LIMIT 1) AS head)
            WHERE \(isStale)
            """,
        ])
        return rows.last?.affected ?? 0
    }

    /// True for a connection whose lanes are worked on, now or later.
    static let isServed: SQL = "is_active AND blocked_until < 'infinity'"

    /// The old segments that no lane needs. An idle lane can need no segment but today's.
    private func segmentsOver(_ retention: Retention) async throws(StoreError) -> [Segment] {
        try await query(
            """
            SELECT number FROM (\(Self.partitions(of: "job"))) AS partition
            WHERE number < segment_now() - \(retention.logDays)
                AND number < (SELECT coalesce(min(segment), number + 1) FROM lane
                    WHERE state <> 0)
            ORDER BY number
            """
        ).values(Segment.self)
    }

    private func periodsOver() async throws(StoreError) -> [Int32] {
        try await query(
            """
            SELECT number FROM (\(Self.partitions(of: "deduplication"))) AS partition
            WHERE number < period_now() - 2 ORDER BY number
            """
        ).values(Int32.self)
    }

    static func partitions(of parent: String) -> SQL {
        """
        SELECT substring(relname FROM '[0-9]+$')::int AS number
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = \(parent)::regclass
        """
    }

    /// Drops partitions of one segment. A drop locks the parent for a moment (Queue.md 15). Others
    /// wait behind it while it waits for that lock, so it does not wait long. It never holds two
    /// such locks at once, which could deadlock. The partition by which a segment is found is
    /// dropped last.
    ///
    /// - Returns: false if a table was in use.
    private func drop(_ tables: [String]) async throws(StoreError) -> Bool {
        for table in tables {
            do {
                _ = try await pool.pipeline([
                    "SELECT set_config('lock_timeout', '100ms', true)",
                    "DROP TABLE IF EXISTS \(unescaped: table)",
                ])
            } catch .retryable {
                return false
            } catch {
                throw StoreError(error)
            }
        }
        return true
    }

    /// Vacuums the lanes if they have many dead versions. The server does so by itself once in
    /// `autovacuum_naptime` (Queue.md 17), but under load the table grows to many times its size by
    /// then. It does not wait for another vacuum.
    ///
    /// - Returns: true if there were many.
    public func cleanLanes() async throws(StoreError) -> Bool {
        try await run { pool throws(PostgresError) in
            let isDue = try await pool.query(
                """
                SELECT n_dead_tup > \(Self.deadLanesMax) + n_live_tup / 10
                FROM pg_stat_user_tables WHERE relid = 'lane'::regclass
                """
            ).decoded(Bool.self)
            guard isDue == [true] else { return false }
            try await pool.query("VACUUM (SKIP_LOCKED, TRUNCATE false) lane", timeout: .seconds(60))
            return true
        }
    }

    private static let deadLanesMax: Int64 = 20_000

    /// Deletes lanes that have been idle for longer than their events are kept. A lane that comes
    /// again begins with sequence 1.
    private func deleteIdleLanes(_ retention: Retention) async throws(StoreError) -> Int {
        try await delete(
            """
            DELETE FROM lane WHERE lane_id IN (
                SELECT lane_id FROM lane
                WHERE state = 0
                    AND ready_at < now() - (\(retention.logDays) + 2) * interval '1 day'
                LIMIT \(retention.rowsAtOnceMax) FOR UPDATE SKIP LOCKED)
            """, retention)
    }

    private func deletePostponements(_ retention: Retention) async throws(StoreError) {
        _ = try await delete(
            """
            DELETE FROM postponement WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM postponement
                WHERE postponed_at < now() - (\(retention.logDays) + 2) * interval '1 day'
                LIMIT \(retention.rowsAtOnceMax) FOR UPDATE SKIP LOCKED))
            """, retention)
    }

    /// Deletes journal entries whose echoes are not waited for any more. They are many and live
    /// short, so once in a few seconds is right.
    ///
    /// - Returns: the number of deleted entries.
    public func deleteExpiredWrites(
        _ retention: Retention = Retention()
    ) async throws(StoreError) -> Int {
        try await delete(
            """
            DELETE FROM journal WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM journal WHERE expires_at < now()
                LIMIT \(retention.rowsAtOnceMax) FOR UPDATE SKIP LOCKED))
            """, retention)
    }

    /// Runs the statement until nothing is left to delete, or until the time is over.
    ///
    /// - Parameter statement: deletes `rowsAtOnceMax` rows if there are as many.
    private func delete(
        _ statement: SQL, _ retention: Retention
    ) async throws(StoreError) -> Int {
        let end = ContinuousClock.now + retention.timeMax
        var deleted = 0
        var last: Int
        repeat {
            last = try await query(statement, timeout: .seconds(60)).affected
            deleted += last
        } while last >= retention.rowsAtOnceMax && ContinuousClock.now < end
        return deleted
    }
}
