import Models
import Postgres

/// The calls that one credential may make, shared by all workers.
public struct BudgetLimits: Equatable, Sendable {
    public var perSecond: Double
    /// The most calls that can be saved up and made at once.
    public var burst: Double

    public init(perSecond: Double, burst: Double) {
        self.perSecond = perSecond
        self.burst = burst
    }

    /// The time in which an empty budget becomes full.
    fileprivate var refill: Duration { .seconds(burst / perSecond) }
}

/// The answer of a credential's budget to a worker that wants to make calls.
public enum BudgetGrant: Equatable, Sendable {
    /// The worker may make this number of calls now; `left` calls are left for other workers.
    case granted(Int, left: Int)
    /// The budget is empty; the next call can be taken after this time.
    case exhausted(retryAfter: Duration)
    /// The vendor asked for a pause, which lasts for this time.
    case paused(Duration)
    /// The vendor was found down, `trips` times in a row. No worker calls it for this time; at 0 a
    /// worker must check it (`claimCheck`).
    case tripped(trips: Int, retryAfter: Duration)
}

extension Store {
    /// Takes calls out of the budget of a credential, by the generic cell rate algorithm on one
    /// row. The row is a bottleneck, so take the calls of the next moments at once.
    ///
    /// - Parameters:
    ///   - wanted: the most calls to take.
    ///   - scope: a name of the credential, not the credential itself.
    public func take(
        atMost wanted: Int, from scope: String, _ limits: BudgetLimits
    ) async throws(StoreError) -> BudgetGrant {
        let rows = try await pipeline([
            // Not waiting for the disk: after a crash the calls of its last moment may be taken
            // twice, which costs less than a wait at every call.
            "SELECT set_config('synchronous_commit', 'off', true)",
            """
            INSERT INTO budget (scope, next_at) VALUES (\(scope.storable), now())
            ON CONFLICT DO NOTHING
            """,
            Self.taking(wanted, from: scope, limits),
        ])
        let grants = try rows.last?.mapped { row throws(PostgresError) in
            try BudgetGrant(row, limits)
        }
        guard let grant = grants?.first else { throw .bug("no budget") }
        return grant
    }

    /// `next_at` is the moment at which the bucket is full again; the calls missing until then are
    /// used. The moment of an empty bucket limits it, for a clock that was set back. A millionth of
    /// a call makes up for rounding.
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

    /// Keeps all workers from making calls with the credential: the vendor said that its limit is
    /// reached.
    public func pause(_ scope: String, for pause: Duration) async throws(StoreError) {
        let pause = min(max(pause, .zero), Self.pauseMax)
        try await query(
            """
            INSERT INTO budget AS b (scope, next_at, closed_until)
            VALUES (\(scope.storable), now(), now() + \(pause))
            ON CONFLICT (scope) DO UPDATE
            SET closed_until = greatest(b.closed_until, excluded.closed_until)
            """)
    }

    private static let pauseMax = Duration.seconds(86_400)

    /// Keeps all workers from leasing lanes of a connection while none of its vendors can be
    /// called (Queue.md 19). No attempt is counted meanwhile.
    public func block(
        _ connection: ConnectionID, for pause: Duration
    ) async throws(StoreError) {
        let pause = min(max(pause, .zero), Self.pauseMax)
        try await query(
            """
            UPDATE connection SET blocked_until
                = greatest(blocked_until, now() + \(pause))
            WHERE id = \(connection.rawValue)
            """)
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
