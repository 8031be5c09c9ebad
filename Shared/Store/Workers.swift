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

    /// Lanes are leased in the name of a worker and stay so until it lets them go or expires. Lanes
    /// carry no expiry of their own: one row is renewed, however many lanes are held.
    public func register(
        name: String, ttl: Duration
    ) async throws(StoreError) -> WorkerID {
        let rows = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                INSERT INTO worker (name, expires_at)
                VALUES (\(name.storable), now() + \(ttl))
                RETURNING id
                """
            ).decoded(WorkerID.self)
        }
        guard let id = rows.first else { throw .bug("no worker id") }
        return id
    }

    /// The worker's own deadline runs from *before* this call: by then it must have been renewed
    /// again, or must have stopped calling vendors.
    /// - Parameter timeout: how long to wait for the answer, if not as long as for others.
    /// - Throws: `.lostLease` if the worker expired; it registers anew and forgets its lanes.
    public func renew(
        _ worker: WorkerID, ttl: Duration, timeout: Duration? = nil
    ) async throws(StoreError) {
        let rows = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                UPDATE worker SET expires_at = now() + \(ttl)
                WHERE id = \(worker) AND expires_at > now()
                """, timeout: timeout)
        }
        guard rows.affected == 1 else { throw .lostLease }
    }

    /// Ends the registration in order: whatever the worker still holds is due at once, with the
    /// attempt refunded.
    public func retire(_ worker: WorkerID) async throws(StoreError) {
        _ = try await run { pool throws(PostgresError) in
            try await pool.pipeline([
                "SELECT FROM worker WHERE id = \(worker) FOR UPDATE",
                Self.endLeases(where: "owner = \(worker)", attempt: .refunded),
                "DELETE FROM worker WHERE id = \(worker)",
            ])
        }
    }

    /// Gives back what is held in the worker's name beyond the leases that it knows of: lanes that
    /// were leased by a call whose answer was lost. Their attempt is refunded.
    ///
    /// A call that nobody waits for any more may still be on its way, for as long as a connection
    /// holds bytes back. So a worker's leases have a generation, and this begins the next one: a
    /// lease or reclaim of an earlier one that arrives afterwards does nothing.
    /// - Parameter generation: higher than at any call before.
    /// - Returns: how many lanes were given back.
    public func reclaim(
        for worker: WorkerID, keeping known: [Fence], generation: Int64
    ) async throws(StoreError) -> Int {
        // The worker's row is waited for: a lease that is being made holds it.
        try await run { pool throws(PostgresError) in
            try await pool.pipeline([
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
    }

    /// Makes the lanes of expired workers ready under a new epoch. The attempt stays counted: a job
    /// that kills its worker every time must come to an end some day. Lanes to which this happens
    /// again come back one by one, the further apart the more often it did, or that job would take
    /// those along to its end that happen to be worked on with it.
    ///
    /// Costs a look at the few rows of `worker` as long as nobody has expired.
    /// - Returns: how many lanes were rescued.
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

    /// Leased lanes become due under a new epoch: whoever had them writes nothing more. They are
    /// due at once; but those whose attempt counts, for at least the second time, apart.
    ///
    /// - Parameter with: common table expressions that the condition reads.
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
