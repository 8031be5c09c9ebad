import Models
import Postgres

/// What waits of one connection.
public struct Depth: Equatable, Sendable {
    public let connection: ConnectionID
    public let events: Int
    public let lanes: Int
    /// How long the lane that is due longest has waited for its turn; 0 if none is due.
    public let oldestDueSeconds: Double
}

extension Store {
    /// Connections for which something waits. Lanes know their numbers, so nothing is counted in
    /// the log.
    public func depth() async throws(StoreError) -> [Depth] {
        let rows = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                SELECT connection.id, sum(tail - done)::bigint, count(*),
                    greatest(0, extract(epoch FROM
                        now() - min(ready_at) FILTER (WHERE state = 1)))::float8
                FROM lane JOIN connection ON connection.number = lane.connection
                WHERE state <> 0
                GROUP BY connection.id ORDER BY connection.id
                """
            ).decoded(String.self, Int.self, Int.self, Double.self)
        }
        return rows.map { id, events, lanes, seconds in
            Depth(
                connection: ConnectionID(id), events: events, lanes: lanes,
                oldestDueSeconds: seconds)
        }
    }

    /// Age of the oldest transaction that keeps this database's dead rows from being cleaned away;
    /// 0 when there is none.
    public func oldestTransactionSeconds() async throws(StoreError) -> Double {
        let ages = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                SELECT coalesce(extract(epoch FROM now() - min(xact_start)), 0)::float8
                FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
                """
            ).decoded(Double.self)
        }
        return max(0, ages.first ?? 0)
    }
}
