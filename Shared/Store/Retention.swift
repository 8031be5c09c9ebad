import Models
import Postgres

/// How long what is kept.
public struct Retention: Sendable {
    /// Events with their ledger and effects, in days; longer while a lane has not come past them.
    public var logDays: Int32
    /// Rows that one transaction takes away; then comes the next.
    var rowsAtOnceMax: Int
    /// For how long rows of one kind are taken away in a round.
    var timeMax: Duration

    /// Partitions that exist before their day begins.
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

/// What a round of maintenance did.
public struct Maintenance: Equatable, Sendable {
    public var segmentsDropped: [Segment] = []
    public var periodsDropped: [Int32] = []
    /// Was due, but somebody used the table; the next round tries again.
    public var segmentsBusy: [Segment] = []
    public var lanesForgotten = 0
    /// Of connections on which nobody works: they went past what is older than the retention.
    public var lanesExpired = 0
}

/// In the order in which they are tried.
private enum MaintenancePart: CaseIterable {
    case partitionsAhead, lanesOfDisabledConnections, oldSegments, oldPeriods, oldLanes,
        oldPostponements
}

extension Store {
    /// Makes room ahead and takes away what is over. Every hour is enough; several workers may do
    /// it at once, and it may be broken off at any point. Each part is tried, whatever became of
    /// the others: on a full disk what frees some must not fail because of what needs some.
    ///
    /// - Throws: the first failure, after all parts.
    public func maintain(_ retention: Retention) async throws(StoreError) -> Maintenance {
        var done = Maintenance()
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
        _ part: MaintenancePart, _ retention: Retention, _ done: inout Maintenance
    ) async throws(StoreError) {
        switch part {
        case .partitionsAhead: try await createPartitions()
        case .lanesOfDisabledConnections: done.lanesExpired = try await cutShort(retention)
        case .oldSegments: try await dropSegments(retention, &done)
        case .oldPeriods: try await dropPeriods(&done)
        case .oldLanes: done.lanesForgotten = try await forgetLanes(retention)
        case .oldPostponements: try await forgetPostponements(retention)
        }
    }

    private func dropSegments(
        _ retention: Retention, _ done: inout Maintenance
    ) async throws(StoreError) {
        for segment in try await segmentsOver(retention) {
            if try await drop(["effect_\(segment)", "settlement_\(segment)", "job_\(segment)"]) {
                done.segmentsDropped.append(segment)
            } else {
                done.segmentsBusy.append(segment)
            }
        }
    }

    private func dropPeriods(_ done: inout Maintenance) async throws(StoreError) {
        for period in try await periodsOver() where try await drop(["deduplication_\(period)"]) {
            done.periodsDropped.append(period)
        }
    }

    /// What waits for a connection that is switched off, or blocked for ever because it was moved
    /// into another database, is not worked on, and must not keep the log of all others. Its lanes
    /// go past what is older than the retention, which then goes unsettled with its day. If the
    /// connection is applied again, they go on with what is left.
    ///
    /// A lane that a worker still has is left alone: its settlement has to find its day.
    private func cutShort(_ retention: Retention) async throws(StoreError) -> Int {
        let stale = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                SELECT lane_id, oldest FROM lane JOIN connection ON number = lane.connection,
                    (SELECT segment_now() - \(retention.logDays)) AS kept (oldest)
                WHERE state = 1 AND segment < oldest AND NOT (\(Self.isServed))
                ORDER BY lane_id
                """, timeout: .seconds(60)
            ).decoded(LaneID.self, Segment.self)
        }
        guard let oldest = stale.first?.1 else { return 0 }
        var cut = 0
        for start in stride(from: 0, to: stale.count, by: retention.rowsAtOnceMax) {
            let lanes = stale[start...].prefix(retention.rowsAtOnceMax).map(\.0)
            cut += try await cutShort(lanes, before: oldest)
        }
        return cut
    }

    /// The lanes are locked by a statement of its own: only the next one is sure to see every event
    /// that was appended before.
    private func cutShort(
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

    /// Of a connection: whether anybody works on its lanes, at this moment or later.
    static let isServed: SQL = "is_active AND blocked_until < 'infinity'"

    /// Segments that are old and that no lane needs: a lane that is idle can only come to need
    /// today's.
    private func segmentsOver(_ retention: Retention) async throws(StoreError) -> [Segment] {
        try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                SELECT number FROM (\(Self.partitions(of: "job"))) AS partition
                WHERE number < segment_now() - \(retention.logDays)
                    AND number < (SELECT coalesce(min(segment), number + 1) FROM lane
                        WHERE state <> 0)
                ORDER BY number
                """
            ).decoded(Segment.self)
        }
    }

    private func periodsOver() async throws(StoreError) -> [Int32] {
        try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                SELECT number FROM (\(Self.partitions(of: "deduplication"))) AS partition
                WHERE number < period_now() - 2 ORDER BY number
                """
            ).decoded(Int32.self)
        }
    }

    static func partitions(of parent: String) -> SQL {
        """
        SELECT substring(relname FROM '[0-9]+$')::int AS number
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = \(parent)::regclass
        """
    }

    /// Dropping a partition locks its parent for a moment (Queue.md 15). While it waits for that
    /// lock all others wait behind it, so it does not wait long; and it never holds two such locks
    /// at once, which could deadlock. The partition by which a segment is found goes last.
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

    /// Cleans the dead versions of lanes away when there are many. The server does so by itself
    /// once in `autovacuum_naptime` (Queue.md 17); in a storm the table grows to many times
    /// its size by then. Nobody waits for whoever is cleaning at this moment.
    /// - Returns: whether there were many.
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

    /// Lanes that have been idle for longer than any of their events is kept: a lane that comes
    /// again begins with sequence 1.
    private func forgetLanes(_ retention: Retention) async throws(StoreError) -> Int {
        try await delete(
            """
            DELETE FROM lane WHERE lane_id IN (
                SELECT lane_id FROM lane
                WHERE state = 0
                    AND ready_at < now() - (\(retention.logDays) + 2) * interval '1 day'
                LIMIT \(retention.rowsAtOnceMax) FOR UPDATE SKIP LOCKED)
            """, retention)
    }

    private func forgetPostponements(_ retention: Retention) async throws(StoreError) {
        _ = try await delete(
            """
            DELETE FROM postponement WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM postponement
                WHERE postponed_at < now() - (\(retention.logDays) + 2) * interval '1 day'
                LIMIT \(retention.rowsAtOnceMax) FOR UPDATE SKIP LOCKED))
            """, retention)
    }

    /// Forgets our own writes whose echoes are not waited for any more. They are many and live
    /// short: every few seconds is right.
    /// - Returns: how many were forgotten.
    public func forgetWrites(
        _ retention: Retention = Retention()
    ) async throws(StoreError) -> Int {
        try await delete(
            """
            DELETE FROM journal WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM journal WHERE expires_at < now()
                LIMIT \(retention.rowsAtOnceMax) FOR UPDATE SKIP LOCKED))
            """, retention)
    }

    /// Again and again until nothing is left to delete, or until there is no more time.
    /// - Parameter statement: deletes `rowsAtOnceMax` rows, if there are as many.
    private func delete(
        _ statement: SQL, _ retention: Retention
    ) async throws(StoreError) -> Int {
        let end = ContinuousClock.now + retention.timeMax
        var deleted = 0
        var last: Int
        repeat {
            last = try await run { pool throws(PostgresError) in
                try await pool.query(statement, timeout: .seconds(60)).affected
            }
            deleted += last
        } while last >= retention.rowsAtOnceMax && ContinuousClock.now < end
        return deleted
    }
}
