import Models
import Postgres

/// How much of a vendor's limit one credential may use, shared by all workers.
public struct BudgetLimits: Equatable, Sendable {
    public var perSecond: Double
    /// What may be saved up and used at once.
    public var burst: Double

    public init(perSecond: Double, burst: Double) {
        self.perSecond = perSecond
        self.burst = burst
    }

    /// The time in which an empty budget becomes full.
    fileprivate var refill: Duration { .seconds(burst / perSecond) }
}

/// What a credential's row says to a worker that wants to make calls.
public enum BudgetGrant: Equatable, Sendable {
    /// So many calls may be made now; so many are left for others.
    case granted(Int, left: Int)
    /// Nothing was taken: until then there is no call left.
    case exhausted(retryAfter: Duration)
    /// Nothing was taken: the vendor asked everybody to wait for so long.
    case paused(Duration)
    /// Nothing was taken: the vendor was found down so many times in a row. Nobody calls for so
    /// long; at 0 somebody is to check, see `claimCheck`.
    case tripped(trips: Int, retryAfter: Duration)
}

extension Store {
    /// Takes calls out of the budget of a credential, as many as there are: the generic cell rate
    /// algorithm on one row. Take as many at once as will be made in the next moments; the row is
    /// a bottleneck.
    ///
    /// - Parameters:
    ///   - wanted: at most so many.
    ///   - scope: a name of the credential, not the credential.
    public func take(
        atMost wanted: Int, from scope: String, _ limits: BudgetLimits
    ) async throws(StoreError) -> BudgetGrant {
        let rows = try await run { pool throws(PostgresError) in
            try await pool.pipeline([
                // A crash may give back what was taken in its last moment; waiting for the disk
                // would cost every call more than that is worth.
                "SELECT set_config('synchronous_commit', 'off', true)",
                """
                INSERT INTO budget (scope, next_at) VALUES (\(scope.storable), now())
                ON CONFLICT DO NOTHING
                """,
                Self.taking(wanted, from: scope, limits),
            ])
        }
        let grants = try rows.last?.mapped { row throws(PostgresError) in
            try BudgetGrant(row, limits)
        }
        guard let grant = grants?.first else { throw .bug("no budget") }
        return grant
    }

    /// `next_at` is when the bucket would be full again; what is missing to that is used. It is no
    /// further away than of an empty bucket, even if the clock was set back. A millionth of a call
    /// makes up for rounding.
    private static func taking(_ wanted: Int, from scope: String, _ limits: BudgetLimits) -> SQL {
        """
        WITH before AS MATERIALIZED (
            SELECT *, clock_timestamp() AS now FROM budget WHERE scope = \(scope.storable)
            FOR UPDATE),
        bounded AS (
            SELECT scope, closed_until, open_until, trips, now,
                least(greatest(next_at, now),
                    now + \(limits.refill)) AS next_at
            FROM before),
        known AS (
            SELECT *, \(limits.burst)
                - extract(epoch FROM next_at - now)::float8 * \(limits.perSecond) AS available,
                greatest(0, extract(epoch FROM closed_until - now))::float8 AS closed,
                greatest(0, extract(epoch FROM open_until - now))::float8 AS open
            FROM bounded),
        decided AS (
            SELECT *, CASE WHEN closed > 0 OR trips > 0 THEN 0
                ELSE greatest(0, least(\(wanted)::int, floor(available + 1e-6)::int)) END AS calls
            FROM known),
        taken AS (
            UPDATE budget
            SET next_at = decided.next_at
                + decided.calls / \(limits.perSecond) * interval '1 second'
            FROM decided WHERE budget.scope = decided.scope
                AND (decided.calls > 0 OR decided.next_at < budget.next_at))
        SELECT calls, available, closed, trips, open FROM decided
        """
    }

    /// The vendor said that its limit is reached: nobody calls for so long.
    public func pause(_ scope: String, for pause: Duration) async throws(StoreError) {
        let pause = min(max(pause, .zero), Self.pauseMax)
        _ = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                INSERT INTO budget AS b (scope, next_at, closed_until)
                VALUES (\(scope.storable), now(), now() + \(pause))
                ON CONFLICT (scope) DO UPDATE
                SET closed_until = greatest(b.closed_until, excluded.closed_until)
                """)
        }
    }

    private static let pauseMax = Duration.seconds(86_400)

    /// Leases nothing of a connection for at least so long: while none of its vendors can be
    /// called, none of its lanes is even looked at. No attempt is lost meanwhile.
    public func block(
        _ connection: ConnectionID, for pause: Duration
    ) async throws(StoreError) {
        let pause = min(max(pause, .zero), Self.pauseMax)
        _ = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                UPDATE connection SET blocked_until
                    = greatest(blocked_until, now() + \(pause))
                WHERE id = \(connection.rawValue)
                """)
        }
    }
}

extension BudgetGrant {
    fileprivate init(_ row: Row, _ limits: BudgetLimits) throws(PostgresError) {
        let (calls, available, closed, trips, open) = try row.decoded(
            Int.self, Double.self, Double.self, Int.self, Double.self)
        self =
            if trips > 0 {
                .tripped(trips: trips, retryAfter: .seconds(open))
            } else if closed > 0 {
                .paused(.seconds(closed))
            } else if calls > 0 {
                .granted(calls, left: max(0, Int(available + 1e-6) - calls))
            } else {
                .exhausted(retryAfter: .seconds(max(0, 1 - available) / limits.perSecond))
            }
    }
}
