import Postgres

/// A vendor that is down, as all workers know it: how many checks in a row found it so, and until
/// when nobody calls it. Every change names the count that it replaces, so that of two workers that
/// found out the same one is counted.
extension Store {
    static let breakerSchema = """
        ALTER TABLE budget
            ADD COLUMN trips int NOT NULL DEFAULT 0,
            ADD COLUMN open_until timestamptz NOT NULL DEFAULT 'epoch';
        """

    /// A check found the vendor down: nobody calls for so long.
    /// - Parameter trips: how many checks before this one did.
    /// - Returns: false if somebody else knew it earlier.
    @discardableResult
    public func trip(
        _ scope: String, after trips: Int, for pause: Duration
    ) async throws(StoreError) -> Bool {
        try await change(
            scope, trips,
            """
            trips = \(trips) + 1,
                open_until = clock_timestamp() + \(pause)
            """)
    }

    /// The pause is over, and this worker will say within `pause` whether the vendor is back.
    /// - Returns: false if somebody else does.
    public func claimCheck(
        of scope: String, after trips: Int, within pause: Duration
    ) async throws(StoreError) -> Bool {
        try await change(
            scope, trips, "open_until = clock_timestamp() + \(pause)",
            where: "open_until <= clock_timestamp()")
    }

    /// A check found that the vendor is back.
    @discardableResult
    public func closeBreaker(of scope: String, after trips: Int) async throws(StoreError) -> Bool {
        try await change(scope, trips, "trips = 0, open_until = 'epoch'")
    }

    private func change(
        _ scope: String, _ trips: Int, _ assignments: SQL, where condition: SQL = "true"
    ) async throws(StoreError) -> Bool {
        let rows = try await run { pool throws(PostgresError) in
            try await pool.query(
                """
                UPDATE budget SET \(assignments)
                WHERE scope = \(scope.storable) AND trips = \(trips) AND \(condition)
                """)
        }
        return rows.affected == 1
    }
}
