import JSON
import Models
import Postgres
import Runtime
import XCTest

@testable import Worker

/// A disk without room. Postgres refuses whatever makes a table grow (SQLSTATE 53100) and does the
/// rest, so that one part may work while another does not. When its own log finds no room it
/// crashes, as in `CrashTests`.
final class FullDiskTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("Hello."))

    func testADeliveryIsSentBackUntilThereIsRoom() async throws {
        try await Bridge.atWork(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.quiet()
            let event = try JSON(parsing: Bridge.event(incident, 1).event.payload)
            try await bridge.fill("job")
            let refused = try await bridge.attemptV3(event)
            XCTAssertEqual(refused.status, 503)
            XCTAssertNotNil(refused.headers["Retry-After"])
            try await bridge.makeRoom(in: "job")
            while try await bridge.attemptV3(event).status == 503 {}
            try await bridge.quiet()
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Hello."])
        }
    }

    /// Nor is the vendor asked again and again meanwhile.
    func testWhatCannotBeRecordedIsNotDoneAndWaits() async throws {
        let options = Bridge.Options(rules: [Self.noting], hurries: false)
        try await Bridge.open(for: self, options) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.withWorker { try await bridge.quiet() }
            try await bridge.fill("effect")
            try await bridge.append(incident, 1)
            let wait = try await bridge.withWorker { try await bridge.waitOfOnlyLane() }
            XCTAssertLessThan(wait.seconds, 5)
            XCTAssertEqual(wait.attempts, 0)
            var notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, [])
            try await bridge.makeRoom(in: "effect")
            try await bridge.letTimePass()
            try await bridge.withWorker { try await bridge.quiet() }
            notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Hello."])
        }
    }

    func testWhatWasDoneIsNotDoneAgainOnceItCanBeSettled() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.withWorker { try await bridge.quiet() }
            try await bridge.fill("settlement")
            let isInTrouble = Latch()
            let log = Log("worker", level: .error, to: .opening(isInTrouble, "lease failed"))
            try await bridge.withWorker(log: log) {
                try await bridge.append(incident, 1)
                await isInTrouble.wait()
                try await bridge.makeRoom(in: "settlement")
                try await bridge.quiet()
            }
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Hello."])
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied"])
        }
    }
}

extension Bridge {
    /// From now on nothing can be inserted there.
    fileprivate func fill(_ table: String) async throws {
        try await pool.query(
            """
            CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE 'No space left on device' USING ERRCODE = 'disk_full';
            END $$
            """)
        try await pool.query(
            """
            CREATE TRIGGER full_disk BEFORE INSERT ON \(unescaped: table)
            FOR EACH STATEMENT EXECUTE FUNCTION full_disk()
            """)
    }

    fileprivate func makeRoom(in table: String) async throws {
        try await pool.query("DROP TRIGGER full_disk ON \(unescaped: table)")
    }
}
