import Models
import Postgres

/// The backlog of one connection.
public struct Depth: Equatable, Sendable {
    public let connection: ConnectionID
    public let events: Int
    /// The number of lanes with events that are not settled.
    public let lanes: Int
    /// The number of lanes that are due and not leased; 0 if the connection is switched off.
    public let readyLanes: Int
    /// The time for which the lane that is due longest has waited; 0 if no lane is due.
    public let oldestDue: Duration
}

extension Store {
    /// The last reading, in one row. A reading looks at every lane, so processes share one.
    static let depthSchema = """
        CREATE TABLE depth_reading (
            is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
            read_at timestamptz NOT NULL DEFAULT 'epoch',
            took_seconds float8 NOT NULL DEFAULT 0,
            connections int[] NOT NULL DEFAULT '{}',
            events bigint[] NOT NULL DEFAULT '{}',
            lanes bigint[] NOT NULL DEFAULT '{}',
            ready_lanes bigint[] NOT NULL DEFAULT '{}',
            oldest_due_seconds float8[] NOT NULL DEFAULT '{}'
        ) WITH (fillfactor = 20);
        INSERT INTO depth_reading DEFAULT VALUES;
        """

    /// The backlog of each connection that has one. It counts nothing in the log, as lanes know
    /// their numbers, but it looks at every lane.
    public func depth() async throws(StoreError) -> [Depth] {
        try await depth(of: "(\(Self.waiting)) AS waiting")
    }

    /// The backlog that a process has read lately. All processes together read the lanes once in
    /// `ageMax`, and less often if a reading would cost more than `share` of a core. A reading from
    /// the future comes from a clock that was set back; it is read again.
    public func recentDepth(
        ageMax: Duration = .seconds(5), share: Double = 1 / 200
    ) async throws(StoreError) -> [Depth] {
        let isDue: SQL = """
            now() NOT BETWEEN read_at - interval '10 seconds'
                AND read_at + greatest(\(ageMax), took_seconds / \(share) * interval '1 second')
            """
        let due = try await query("SELECT \(isDue) FROM depth_reading").values(Bool.self)
        if due == [true] { try await readDepth(when: isDue) }
        return try await depth(
            of: """
                depth_reading, unnest(connections, events, lanes, ready_lanes, oldest_due_seconds)
                    AS waiting (number, events, lanes, ready_lanes, oldest_due_seconds)
                """)
    }

    /// Reads the lanes unless another process is doing it; callers then take the reading before.
    private func readDepth(when isDue: SQL) async throws(StoreError) {
        _ = try await run { pool throws(PostgresError) in
            try await pool.withTransaction { session throws(PostgresError) in
                try await session.query("SELECT set_config('synchronous_commit', 'off', true)")
                let claimed = try await session.query(
                    "SELECT FROM depth_reading WHERE \(isDue) FOR UPDATE SKIP LOCKED")
                guard claimed.count == 1 else { return }
                try await session.query(
                    """
                    UPDATE depth_reading SET
                        (connections, events, lanes, ready_lanes, oldest_due_seconds) = (
                            SELECT coalesce(array_agg(number), '{}'),
                                coalesce(array_agg(events), '{}'), coalesce(array_agg(lanes), '{}'),
                                coalesce(array_agg(ready_lanes), '{}'),
                                coalesce(array_agg(oldest_due_seconds), '{}')
                            FROM (\(Self.waiting)) AS waiting),
                        read_at = now()
                    """)
                try await session.query(
                    """
                    UPDATE depth_reading SET took_seconds =
                        extract(epoch FROM clock_timestamp() - now())
                    """)
            }
        }
    }

    private static let waiting: SQL = """
        SELECT connection AS number, sum(tail - done)::bigint AS events, count(*) AS lanes,
            count(*) FILTER (WHERE state = 1 AND ready_at <= now() AND is_served) AS ready_lanes,
            greatest(0, extract(epoch FROM
                now() - min(ready_at) FILTER (WHERE state = 1 AND is_served)
            ))::float8 AS oldest_due_seconds
        FROM lane JOIN (SELECT number, \(isServed) AS is_served FROM connection) AS connection
            ON number = connection
        WHERE state <> 0 GROUP BY connection
        """

    private func depth(of waiting: SQL) async throws(StoreError) -> [Depth] {
        let rows = try await query(
            """
            SELECT connection.id, waiting.events, waiting.lanes, waiting.ready_lanes,
                waiting.oldest_due_seconds
            FROM \(waiting) JOIN connection ON connection.number = waiting.number
            ORDER BY connection.id
            """
        ).values(String.self, Int.self, Int.self, Int.self, Double.self)
        return rows.map { id, events, lanes, readyLanes, seconds in
            Depth(
                connection: ConnectionID(id), events: events, lanes: lanes, readyLanes: readyLanes,
                oldestDue: .seconds(seconds))
        }
    }

    /// The age of the oldest transaction that keeps dead rows of this database from being cleaned
    /// away; 0 if there is none.
    public func oldestTransactionAge() async throws(StoreError) -> Duration {
        let ages = try await query(
            """
            SELECT coalesce(extract(epoch FROM now() - min(xact_start)), 0)::float8
            FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
            """
        ).values(Double.self)
        return .seconds(max(0, ages.first ?? 0))
    }
}
