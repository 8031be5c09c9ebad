import Models
import Postgres

/// How much of a vendor's limit one credential may use, shared by all workers.
public struct BudgetLimits: Sendable {
    public var perSecond: Double
    /// What may be saved up and used at once.
    public var burst: Double

    public init(perSecond: Double, burst: Double) {
        self.perSecond = perSecond
        self.burst = burst
    }
}

public enum BudgetGrant: Equatable, Sendable {
    /// All of the calls that were asked for may be made now.
    case granted
    /// Nothing was taken. Ask again after so long.
    case exhausted(retryAfterSeconds: Double)
}

extension Store {
    /// Takes calls out of the budget of a credential, all or none: the generic cell rate algorithm
    /// on one row. Take as many at once as will be made in the next moments; the row is a
    /// bottleneck.
    ///
    /// - Parameters:
    ///   - scope: a name of the credential, not the credential.
    ///   - calls: not more than the burst.
    public func take(
        _ calls: Int, from scope: String, _ limits: BudgetLimits
    ) async throws(StoreError) -> BudgetGrant {
        let cost = min(Double(calls), limits.burst) / limits.perSecond
        let tolerance = limits.burst / limits.perSecond
        let rows = try await run { pool throws(PostgresError) in
            try await pool.pipeline([
                """
                INSERT INTO budget (scope, next_at) VALUES (\(scope.storable), now())
                ON CONFLICT DO NOTHING
                """,
                """
                WITH before AS MATERIALIZED (
                    SELECT scope, greatest(next_at, clock_timestamp()) AS next_at, closed_until,
                        clock_timestamp() AS now
                    FROM budget WHERE scope = \(scope.storable) FOR UPDATE),
                after AS (
                    SELECT *, greatest(closed_until - now, next_at - now
                        + \(cost - tolerance) * interval '1 second', interval '0') AS wait
                    FROM before),
                taken AS (
                    UPDATE budget SET next_at = after.next_at + \(cost) * interval '1 second'
                    FROM after WHERE budget.scope = after.scope AND after.wait = interval '0')
                SELECT extract(epoch FROM wait)::float8 FROM after
                """,
            ])
        }
        let waits = try rows.last?.mapped { row throws(PostgresError) in
            try row.decoded(Double.self)
        }
        guard let wait = waits?.first else { throw .defect("no budget") }
        return wait == 0 ? .granted : .exhausted(retryAfterSeconds: wait)
    }

    /// Leases nothing of a connection for so long: while its budget is exhausted or its vendor is
    /// down, none of its lanes is even looked at. No attempt is lost meanwhile.
    public func block(
        _ connection: ConnectionID, forSeconds seconds: Double
    ) async throws(StoreError) {
        let seconds = min(max(seconds, 0), 86_400)
        _ = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                UPDATE connection SET blocked_until = now() + \(seconds) * interval '1 second'
                WHERE id = \(connection.rawValue)
                """)
        }
    }

    /// The vendor said that its limit is reached: nobody calls for so long.
    public func close(_ scope: String, forSeconds seconds: Double) async throws(StoreError) {
        let seconds = min(max(seconds, 0), 86_400)
        _ = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                INSERT INTO budget AS b (scope, next_at, closed_until)
                VALUES (\(scope.storable), now(), now() + \(seconds) * interval '1 second')
                ON CONFLICT (scope) DO UPDATE
                SET closed_until = greatest(b.closed_until, excluded.closed_until)
                """)
        }
    }
}
