import Models
import Postgres

extension Store {
    /// All connections that were ever configured. Events of one that is switched off can still be
    /// read. It needs no key.
    public func connectionIDs() async throws(StoreError) -> [ConnectionID] {
        let rows = try await query("SELECT id FROM connection ORDER BY id").values(String.self)
        return rows.map { ConnectionID($0) }
    }
}
