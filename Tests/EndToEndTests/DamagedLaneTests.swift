import JSON
import Models
import XCTest

/// One lane whose rows the database refuses or the worker cannot read. The other lanes go on.
final class DamagedLaneTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("{{event.id}}"))

    func testARefusedSettlementStopsNoOtherLane() async throws {
        let options = Rig.Options(rules: [Self.noting], skipsWaits: false)
        try await Rig.running(for: self, options) { rig in
            let (refused, othersCount) = (try await rig.trigger(), 5)
            var incidents = [refused]
            for _ in 1...othersCount { incidents.append(try await rig.trigger()) }
            try await rig.withWorker { try await rig.untilQuiet() }
            try await rig.refuseSettlements(of: .incident(refused))
            try await rig.append(incidents.map { Rig.event($0, 1) })
            let wait = try await rig.withWorker {
                let wait = try await rig.onlyPostponement()
                try await rig.until("the other lanes are settled") {
                    try await rig.outcomes("incident.escalated").count { $0 == "applied" }
                        == othersCount
                }
                return wait
            }
            XCTAssertGreaterThan(wait.attempts, 0)
            let event = try await rig.events().first { $0.ending == nil }
            XCTAssertEqual(event?.postponement?.cause.code, "defect")

            try await rig.acceptSettlements()
            try await rig.pass(3600)
            try await rig.withWorker { try await rig.untilQuiet() }
            for incident in incidents {
                let notes = await rig.notes(on: incident)
                XCTAssertEqual(notes, ["\(incident)-1"])
            }
        }
    }

    /// The unreadable effect may come from a newer program or from an edit by hand.
    func testALaneThatCannotBeReadStopsNoOtherLane() async throws {
        let options = Rig.Options(rules: [Self.noting], skipsWaits: false)
        try await Rig.running(for: self, options) { rig in
            let (unreadable, other) = (try await rig.trigger(), try await rig.trigger())
            try await rig.withWorker {
                try await rig.untilQuiet()
                await rig.injectFault([
                    "vendor": "pagerduty", "fault": "status", "status": 503, "method": "POST",
                ])
                try await rig.append(unreadable, 1)
                _ = try await rig.onlyPostponement()
            }
            try await rig.pool.query("UPDATE effect SET facts = '{' || facts")
            try await rig.pass(3600)
            try await rig.append(other, 1)
            try await rig.withWorker {
                try await rig.until("the other lane is settled") {
                    try await rig.outcomes("incident.escalated") == ["waiting", "applied"]
                }
            }
            let waiting = try await rig.events().first { $0.ending == nil }
            XCTAssertEqual(waiting?.postponement?.cause.code, "database")

            try await rig.pool.query("UPDATE effect SET facts = substr(facts, 2)")
            try await rig.pass(3600)
            try await rig.withWorker { try await rig.untilQuiet() }
            for incident in [unreadable, other] {
                let notes = await rig.notes(on: incident)
                XCTAssertEqual(notes, ["\(incident)-1"])
            }
        }
    }
}

extension Rig {
    fileprivate func refuseSettlements(of lane: LaneKey) async throws {
        try await pool.query(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (SELECT key FROM lane WHERE lane_id = NEW.lane_id) = TG_ARGV[0] THEN
                    RAISE 'not this one' USING ERRCODE = 'data_exception';
                END IF;
                RETURN NEW;
            END $$
            """)
        try await pool.query(
            """
            CREATE TRIGGER refuse BEFORE INSERT ON settlement FOR EACH ROW
            EXECUTE FUNCTION refuse('\(unescaped: lane.rawValue)')
            """)
    }

    fileprivate func acceptSettlements() async throws {
        try await pool.query("DROP TRIGGER refuse ON settlement")
    }
}
