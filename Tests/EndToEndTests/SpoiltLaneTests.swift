import JSON
import Models
import XCTest

/// Something is wrong with what the database holds of one lane: the others go on.
final class SpoiltLaneTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("{{event.id}}"))

    /// Nobody knows of a reason why it should be; its lane waits by itself.
    func testASettlementThatIsRefusedKeepsNoOtherBack() async throws {
        let options = Bridge.Options(rules: [Self.noting], hurries: false)
        try await Bridge.open(for: self, options) { bridge in
            let (refused, othersCount) = (try await bridge.trigger(), 5)
            var incidents = [refused]
            for _ in 1...othersCount { incidents.append(try await bridge.trigger()) }
            try await bridge.withWorker { try await bridge.quiet() }
            try await bridge.refuseSettlements(of: .incident(refused))
            try await bridge.append(incidents.map { Bridge.event($0, 1) })
            let wait = try await bridge.withWorker {
                let wait = try await bridge.waitOfOnlyLane()
                try await bridge.eventually("the others wait") {
                    try await bridge.outcomes("incident.escalated").count { $0 == "applied" }
                        == othersCount
                }
                return wait
            }
            XCTAssertGreaterThan(wait.attempts, 0)
            let event = try await bridge.events().first { $0.ending == nil }
            XCTAssertEqual(event?.postponement?.cause.code, "defect")

            try await bridge.acceptSettlements()
            try await bridge.letTimePass()
            try await bridge.withWorker { try await bridge.quiet() }
            for incident in incidents {
                let notes = await bridge.notes(on: incident)
                XCTAssertEqual(notes, ["\(incident)-1"])
            }
        }
    }

    /// A newer program may have left it, or a person.
    func testWhatCannotBeReadOfOneLaneKeepsNoOtherBack() async throws {
        let options = Bridge.Options(rules: [Self.noting], hurries: false)
        try await Bridge.open(for: self, options) { bridge in
            let (spoilt, other) = (try await bridge.trigger(), try await bridge.trigger())
            try await bridge.withWorker {
                try await bridge.quiet()
                await bridge.order([
                    "vendor": "pagerduty", "fault": "status", "status": 503, "method": "POST",
                ])
                try await bridge.append(spoilt, 1)
                _ = try await bridge.waitOfOnlyLane()
            }
            try await bridge.pool.query("UPDATE effect SET facts = '{' || facts")
            try await bridge.letTimePass()
            try await bridge.append(other, 1)
            try await bridge.withWorker {
                try await bridge.eventually("the other waits") {
                    try await bridge.outcomes("incident.escalated") == ["waiting", "applied"]
                }
            }
            let waiting = try await bridge.events().first { $0.ending == nil }
            XCTAssertEqual(waiting?.postponement?.cause.code, "database")

            try await bridge.pool.query("UPDATE effect SET facts = substr(facts, 2)")
            try await bridge.letTimePass()
            try await bridge.withWorker { try await bridge.quiet() }
            for incident in [spoilt, other] {
                let notes = await bridge.notes(on: incident)
                XCTAssertEqual(notes, ["\(incident)-1"])
            }
        }
    }
}

extension Bridge {
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
