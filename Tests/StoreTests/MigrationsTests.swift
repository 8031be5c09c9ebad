import Postgres
import Store
import TestSupport
import XCTest

final class MigrationsTests: XCTestCase {
    func testAFreshDatabaseIsReadyAndASecondTimeChangesNothing() async throws {
        let database = try await TestDatabase.make(for: self)
        let applied = try await Store.migrate(database.address)
        XCTAssertEqual(applied, Store.migrations)
        let pool = database.pool(connectionsMax: 1)
        let rooms = try await pool.query(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'job'::regclass")
        XCTAssertGreaterThanOrEqual(try rooms.decoded(Int.self)[0], 4)
        let guarded = try await pool.query("SHOW idle_in_transaction_session_timeout")
        XCTAssertEqual(try guarded.decoded(String.self), ["30s"])
        try await Store(pool).requireCurrentSchema()
        let again = try await Store.migrate(database.address)
        XCTAssertEqual(again, [])
    }

    func testAProgramRefusesAnotherSchema() async throws {
        let database = try await TestDatabase.make(for: self)
        let store = Store(database.pool(connectionsMax: 1))
        let known = Store.migrations.count
        await assertThrows(.schemaMismatch(found: 0, needed: known)) {
            () async throws(StoreError) in try await store.requireCurrentSchema()
        }
    }
}
