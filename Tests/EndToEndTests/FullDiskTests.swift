import JSON
import Models
import Postgres
import Runtime
import XCTest

@testable import Worker

/// A full disk. Postgres refuses every statement that makes a table grow (SQLSTATE 53100) and runs
/// the others, so that some tables accept rows and others do not. It crashes when its own log finds
/// no space, as in `CrashTests`.
final class FullDiskTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("Hello."))

    func testADeliveryIsRefusedUntilThereIsSpace() async throws {
        try await Rig.working(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            try await rig.untilQuiet()
            let event = try JSON(parsing: Rig.event(incident, 1).event.payload)
            try await rig.fill("job")
            let refused = try await rig.attemptV3(event)
            XCTAssertEqual(refused.status, 503)
            XCTAssertNotNil(refused.headers["Retry-After"])
            try await rig.freeSpace(in: "job")
            while try await rig.attemptV3(event).status == 503 {}
            try await rig.untilQuiet()
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Hello."])
        }
    }

    /// The vendor is not called again and again meanwhile.
    func testAnEffectThatCannotBeRecordedIsNotMadeAndWaits() async throws {
        let options = Rig.Options(rules: [Self.noting], skipsWaits: false)
        try await Rig.running(for: self, options) { rig in
            let incident = try await rig.trigger()
            try await rig.withWorker { try await rig.untilQuiet() }
            try await rig.fill("effect")
            try await rig.append(incident, 1)
            let wait = try await rig.withWorker { try await rig.onlyPostponement() }
            XCTAssertLessThan(wait.seconds, 5)
            XCTAssertEqual(wait.attempts, 0)
            var notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, [])
            try await rig.freeSpace(in: "effect")
            try await rig.pass(3600)
            try await rig.withWorker { try await rig.untilQuiet() }
            notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Hello."])
        }
    }

    func testAnEffectIsNotMadeAgainWhenItsSettlementWasRefused() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            try await rig.withWorker { try await rig.untilQuiet() }
            try await rig.fill("settlement")
            let isInTrouble = Latch()
            let log = Log("worker", level: .error, to: .opening(isInTrouble, "lease failed"))
            try await rig.withWorker(log: log) {
                try await rig.append(incident, 1)
                await isInTrouble.wait()
                try await rig.freeSpace(in: "settlement")
                try await rig.untilQuiet()
            }
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Hello."])
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied"])
        }
    }
}

extension Rig {
    /// Refuses rows of the table from now on.
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

    fileprivate func freeSpace(in table: String) async throws {
        try await pool.query("DROP TRIGGER full_disk ON \(unescaped: table)")
    }
}
