import Models
import Postgres

extension Store {
    /// Every connection that was ever configured, those that are switched off as well: their events
    /// can still be read. Needs no key.
    public func connectionIDs() async throws(StoreError) -> [ConnectionID] {
        let rows = try await run { pool throws(PostgresError) in
            try await pool.query("SELECT id FROM connection ORDER BY id").decoded(String.self)
        }
        return rows.map { ConnectionID($0) }
    }
}
