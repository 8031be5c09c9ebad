import Postgres

/// The circuit breaker of a credential, shared by all workers: the number of checks in a row that
/// found the vendor down, and the moment until which no worker calls it. Every change names the
/// count that it replaces, so that the same finding of two workers is counted once.
extension Store {
    static let breakerSchema = """
        ALTER TABLE budget
            ADD COLUMN trips int NOT NULL DEFAULT 0,
            ADD COLUMN open_until timestamptz NOT NULL DEFAULT 'epoch';
        """

    /// Records a check that found the vendor down: no worker calls it during `pause`.
    ///
    /// - Parameter trips: the number of checks before that found it down.
    /// - Returns: false if another worker recorded it first.
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

    /// Claims the check after the pause for this worker, which then has the time `pause` for it.
    ///
    /// - Returns: false if another worker has claimed it.
    public func claimCheck(
        of scope: String, after trips: Int, within pause: Duration
    ) async throws(StoreError) -> Bool {
        try await change(
            scope, trips, "open_until = clock_timestamp() + \(pause)",
            where: "open_until <= clock_timestamp()")
    }

    /// Records a check that found the vendor up: calls go on.
    @discardableResult
    public func closeBreaker(of scope: String, after trips: Int) async throws(StoreError) -> Bool {
        try await change(scope, trips, "trips = 0, open_until = 'epoch'")
    }

    private func change(
        _ scope: String, _ trips: Int, _ assignments: SQL, where condition: SQL = "true"
    ) async throws(StoreError) -> Bool {
        let rows = try await query(
            """
            UPDATE budget SET \(assignments)
            WHERE scope = \(scope.storable) AND trips = \(trips) AND \(condition)
            """)
        return rows.affected == 1
    }
}
