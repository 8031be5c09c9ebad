import Models
import Postgres

extension Store {
    /// All connections that were ever configured. Events of one that is switched off can still be
    /// read. It needs no key.
    public func connectionIDs() async throws(StoreError) -> [ConnectionID] {
        let rows = try await run { pool throws(PostgresError) in
            try await pool.query("SELECT id FROM connection ORDER BY id").decoded(String.self)
        }
        return rows.map { ConnectionID($0) }
    }
}
