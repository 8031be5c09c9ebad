import Models
import Postgres
import Runtime
import Store
import TestSupport
import XCTest

@testable import Ingest

/// The ingest on a real Postgres.
final class IngestStoreTests: XCTestCase {
    private static let masterKey = String(repeating: "A", count: 43) + "="

    func testWhatIsAnsweredStandsInTheLogOnce() async throws {
        let (database, store) = try await makeStore()
        try await TestIngest.running(real: try ingestStore(of: database)) { ingest in
            try await withThrowingTaskGroup(of: Int.self) { group in
                // Every delivery comes twice, and no matter which of the two is first.
                for number in 0..<200 {
                    let body = Fixtures.incidentEvent(
                        id: "event\(number / 2)", incident: "QINC\(number % 7)")
                    group.addTask { try await ingest.deliver(body).status }
                }
                for try await status in group { XCTAssertEqual(status, 202) }
            }
            let message = Fixtures.outboundMessage(
                notifications: (1...100).map(Fixtures.notification))
            for _ in 1...2 {
                let answer = try await ingest.deliverOutbound(message)
                XCTAssertEqual(answer.status, 200)
            }
        }
        let logged = try await store.events(limit: 1000)
        XCTAssertEqual(logged.count, 200)
        XCTAssertEqual(Set(logged.map(\.job.event.id)).count, 200)
        let first = try XCTUnwrap(logged.first { $0.job.event.id == "event0" })
        XCTAssertEqual(first.job.event.kind, .incident(.triggered))
        XCTAssertEqual(first.job.event.connection, "acme")
    }

    func testWhatNoVendorShouldSendDoesNotBreakTheLog() async throws {
        let (database, store) = try await makeStore()
        try await TestIngest.running(real: try ingestStore(of: database)) { ingest in
            for body in [
                #"{"event":{"id":"\u0000","event_type":"\u0000","data":{"id":"\u0000"}}}"#,
                #"{"event":{"id":"n","event_type":"incident.triggered","x":"a\u0000b"}}"#,
                #"{"event":{"id":"t","event_type":"x","occurred_at":"9999-12-31T23:59:59Z"}}"#,
                #"{"event":{"id":"u","event_type":"x","occurred_at":"0000-01-01T00:00:00Z"}}"#,
                #"{"event":{"id":1e400,"event_type":{}}}"#, "[]",
            ] {
                let answer = try await ingest.deliver(Array(body.utf8))
                XCTAssertEqual(answer.status, 202, body)
            }
        }
        let logged = try await store.events(limit: 10)
        XCTAssertEqual(logged.count, 6)
    }

    func testWithoutTheDatabaseDeliveriesAreSentBackAndNothingHangs() async throws {
        let (database, _) = try await makeStore()
        try await TestIngest.running(real: try ingestStore(of: database)) { ingest in
            try await database.drop()
            for _ in 1...3 {
                let answer = try await ingest.deliver(Fixtures.incidentEvent())
                XCTAssertEqual(answer.status, 503)
                XCTAssertNotNil(answer.header("Retry-After"))
            }
        }
    }

    func testIngestWithAWrongMasterKeyIsNotReady() async throws {
        let (database, _) = try await makeStore()
        let otherKey = String(repeating: "B", count: 42) + "A="
        let other = try ingestStore(of: database, masterKey: otherKey)
        try await TestIngest.running(real: other, awaitingReadiness: false) { ingest in
            let answer = try await ingest.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 503)
        }
    }

    /// The new one is in force when the configuration is applied with it, before this ingest starts
    /// anew.
    func testIngestServesOnWhileItsMasterKeyIsExchanged() async throws {
        let (database, store) = try await makeStore()
        let lines = LogLines()
        let real = try ingestStore(of: database)
        try await TestIngest.running(real: real, log: lines.sink) { ingest in
            try await apply(to: database, keyByte: 1)
            await lines.wait(for: "configuration not refreshed")
            let answer = try await ingest.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 202)
        }
        let logged = try await store.events(limit: 10)
        XCTAssertEqual(logged.count, 1)
    }

    private func makeStore() async throws -> (TestDatabase, Store) {
        let database = try await TestDatabase.make(for: self, migrations: Store.migrations)
        return (database, try await apply(to: database, keyByte: 0))
    }

    @discardableResult
    private func apply(to database: TestDatabase, keyByte: UInt8) async throws -> Store {
        let key = [UInt8](repeating: keyByte, count: 32)
        let store = Store(database.pool(), secretKeys: try SecretKeys(key))
        let entry = Configuration.ConnectionEntry(connection: Fixtures.connection(), rulesets: [])
        _ = try await store.apply(Configuration(entries: [entry]), by: "test")
        return store
    }

    private func ingestStore(
        of database: TestDatabase, masterKey: String = masterKey
    ) throws -> IngestStore {
        IngestStore.postgres(
            try IngestConfiguration.read([
                "LIAISON_DATABASE_URL": database.url, "LIAISON_MASTER_KEY": masterKey,
            ]))
    }
}
