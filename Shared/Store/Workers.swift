import Models
import Postgres

/// One run of one worker process. A process that starts again is another worker.
public struct WorkerID: NumericIdentifier {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}

extension Store {
    static let generationSchema = """
        ALTER TABLE worker ADD COLUMN generation bigint NOT NULL DEFAULT 0;
        COMMENT ON COLUMN worker.generation IS 'leases of an earlier one are not made any more';
        """

    /// Registers a worker, in whose name lanes are leased until it gives them back or expires. Only
    /// the worker's row expires, so one row is renewed however many lanes are leased.
    public func register(
        name: String, ttl: Duration
    ) async throws(StoreError) -> WorkerID {
        let rows = try await query(
            """
            INSERT INTO worker (name, expires_at)
            VALUES (\(name.storable), now() + \(ttl))
            RETURNING id
            """
        ).values(WorkerID.self)
        guard let id = rows.first else { throw .bug("no worker id") }
        return id
    }

    /// Renews a worker's registration. The worker counts `ttl` from *before* this call: by then it
    /// must have renewed again, or have stopped calling vendors.
    ///
    /// - Parameter timeout: the longest wait for the answer; nil waits as long as other calls do.
    /// - Throws: `.lostLease` if the worker expired. It registers anew and forgets its lanes.
    public func renew(
        _ worker: WorkerID, ttl: Duration, timeout: Duration? = nil
    ) async throws(StoreError) {
        let rows = try await query(
            """
            UPDATE worker SET expires_at = now() + \(ttl)
            WHERE id = \(worker) AND expires_at > now()
            """, timeout: timeout)
        guard rows.affected == 1 else { throw .lostLease }
    }

    /// Ends the registration. Lanes that the worker still holds are due at once, with the attempt
    /// refunded.
    public func retire(_ worker: WorkerID) async throws(StoreError) {
        try await pipeline([
            "SELECT FROM worker WHERE id = \(worker) FOR UPDATE",
            Self.endLeases(where: "owner = \(worker)", attempt: .refunded),
            "DELETE FROM worker WHERE id = \(worker)",
        ])
    }

    /// Gives back lanes that are leased in the worker's name and that it does not know of: the
    /// answer to their lease was lost. Their attempt is refunded.
    ///
    /// Such a call may still be on its way. So a worker's leases have a generation, and this call
    /// begins the next one: a lease or reclaim of an earlier generation that arrives later does
    /// nothing.
    ///
    /// - Parameter generation: a number higher than at any call before.
    /// - Returns: the number of lanes that were given back.
    public func reclaim(
        for worker: WorkerID, keeping known: [Fence], generation: Int64
    ) async throws(StoreError) -> Int {
        // A lease that is being made holds the worker's row, so this waits for it.
        try await pipeline([
            "SELECT FROM worker WHERE id = \(worker) FOR UPDATE",
            Self.endLeases(
                with: """
                    newer AS (
                        UPDATE worker SET generation = \(generation)
                        WHERE id = \(worker) AND generation < \(generation)
                        RETURNING id),
                    """,
                where: """
                    owner = (SELECT id FROM newer) AND NOT EXISTS (
                        SELECT FROM unnest(\(known.map(\.lane)), \(known.map(\.epoch)))
                            AS known (lane_id, epoch)
                        WHERE known.lane_id = lane.lane_id AND known.epoch = lane.epoch)
                    """, attempt: .refunded),
        ]).last?.affected ?? 0
    }

    /// Makes the lanes of expired workers ready under a new epoch. The attempt stays counted, so
    /// that a job that kills its worker every time comes to an end. Lanes that are rescued again
    /// come back at different times, further apart the more often they were: otherwise such a job
    /// would use up the attempts of lanes that are worked on with it.
    ///
    /// It reads the few rows of `worker` if no worker has expired.
    ///
    /// - Returns: the number of rescued lanes.
    public func rescue() async throws(StoreError) -> Int {
        try await run { pool throws(PostgresError) in
            try await pool.withTransaction { session throws(PostgresError) in
                let expired = try await session.query(
                    "SELECT id FROM worker WHERE expires_at <= now() FOR UPDATE SKIP LOCKED"
                ).decoded(WorkerID.self)
                guard !expired.isEmpty else { return 0 }
                let rows = try await session.pipeline([
                    Self.endLeases(where: "owner = ANY (\(expired))", attempt: .counted),
                    "DELETE FROM worker WHERE id = ANY (\(expired))",
                ])
                return rows.first?.affected ?? 0
            }
        }
    }

    private enum EndedAttempt {
        case refunded
        case counted
    }

    /// Makes leased lanes due under a new epoch, so that their worker can write nothing more. They
    /// are due at once, except those whose counted attempt is at least the second, which come
    /// later.
    ///
    /// - Parameter expressions: common table expressions that the condition reads.
    private static func endLeases(
        with expressions: SQL = "", where condition: SQL, attempt: EndedAttempt
    ) -> SQL {
        let changes: SQL =
            switch attempt {
            case .refunded:
                "ready_at = clock_timestamp(), attempt = greatest(attempt - 1, 0)"
            case .counted:
                """
                ready_at = clock_timestamp() + CASE WHEN attempt > 1
                    THEN random() * 2 ^ least(attempt, 8) ELSE 0 END * interval '1 second'
                """
            }
        return """
            WITH \(expressions) held AS MATERIALIZED (
                SELECT lane_id FROM lane WHERE state = 2 AND \(condition)
                ORDER BY lane_id FOR UPDATE)
            UPDATE lane SET state = 1, owner = NULL, epoch = epoch + 1, \(changes)
            FROM held WHERE lane.lane_id = held.lane_id
            """
    }
}
