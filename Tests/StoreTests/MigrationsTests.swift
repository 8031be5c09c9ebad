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

    /// The ids of earlier replays said what they replay. They stay as they are.
    func testEarlierReplaysGetTheirOrigin() async throws {
        let database = try await TestDatabase.make(
            for: self, migrations: Array(Store.migrations.prefix(8)))
        let pool = database.pool(connectionsMax: 1)
        let rows: [(id: String, source: String, origin: [String?])] = [
            ("e", "pagerDuty", [nil, nil, nil]),
            ("replay:1:x", "pagerDuty", [nil, nil, nil]),
            ("replay:a1:e", "operator", ["rest", "e", "e"]),
            ("replay:a2:replay:a1:e:2", "operator", ["rest", "replay:a1:e:2", "e:2"]),
            ("repeat:a3:e", "operator", ["all", "e", "repeat:a3:e"]),
            ("replay:a4:repeat:a3:e", "operator", ["rest", "repeat:a3:e", "repeat:a3:e"]),
        ]
        _ = try await pool.query(
            """
            INSERT INTO job (segment, lane_id, sequence, connection, occurred_at, event_id, source,
                kind, format, payload)
            SELECT segment_now(), 1, row_number() OVER (), 1, now(), id, source, 'ping', 'v', '{}'
            FROM unnest(\(rows.map(\.id)), \(rows.map(\.source))) AS event (id, source)
            """)
        let applied = try await Store.migrate(database.address)
        XCTAssertEqual(applied, Array(Store.migrations.dropFirst(8)))
        let origins = try await pool.query(
            """
            SELECT event_id, replay_scope, replay_of, replay_effect_owner FROM job
            ORDER BY sequence
            """
        ).decoded(String.self, String?.self, String?.self, String?.self)
        XCTAssertEqual(origins.map(\.0), rows.map(\.id))
        XCTAssertEqual(origins.map { [$0.1, $0.2, $0.3] }, rows.map(\.origin))
    }

    /// A program that writes the origin of a replay into its id alone would have all effects
    /// performed again.
    func testAReplayWithoutItsOriginIsRefused() async throws {
        let fixture = try await StoreFixture.make(for: self)
        do {
            _ = try await fixture.pool.query(
                """
                INSERT INTO job (segment, lane_id, sequence, connection, occurred_at, event_id,
                    source, kind, format, payload)
                VALUES (segment_now(), 1, 1, 1, now(), 'replay:1:e', 'operator', 'ping', 'v', '{}')
                """)
            XCTFail("no error")
        } catch {
            XCTAssertEqual(error, .constraint("job_replay_origin", sqlState: "23514"))
        }
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
