import Models
import Postgres
import Store

/// The database of one benchmark.
struct BenchDatabase {
    let name: String
    let address: Address
    let pool: Pool
    let store: Store

    init(name: String, address: Address, secretKeys: SecretKeys) {
        self.name = name
        self.address = address
        var limits = PoolLimits()
        limits.waitMax = .seconds(60)
        limits.session.statementMax = .seconds(60)
        pool = Pool(address, limits: limits)
        store = Store(pool, secretKeys: secretKeys)
    }

    /// Runs a statement that returns one row with one number.
    func number(_ statement: SQL) async throws -> Int64 {
        guard let number = try await pool.query(statement).decoded(Int64.self).first else {
            throw BenchFailure("a query for a number returned no row")
        }
        return number
    }
}
