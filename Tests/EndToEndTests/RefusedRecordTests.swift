import Models
import Store
import XCTest

/// The database refuses to record a write that was made for several events of a backlog.
final class RefusedRecordTests: XCTestCase {
    private static let number = Rules.onIncident(
        "number", when: Rules.event("escalate"), Rules.setNumber)

    /// The writes are made again one by one, and only what is recorded counts as done.
    func testAWriteWhoseRecordIsRefusedOnceIsRepeatedAndRecorded() async throws {
        try await check(refusals: 1, outcomes: ["applied", "applied"], [.performed, .performed])
    }

    func testAWriteWhoseRecordIsAlwaysRefusedFailsItsEventAlone() async throws {
        try await check(refusals: 100, outcomes: ["applied", "failed"], [.performed, .failed])
    }

    private enum State: String {
        case performed, failed
    }

    private func check(
        refusals: Int, outcomes: [String], _ states: [State], line: UInt = #line
    ) async throws {
        try await Rig.running(for: self, .init(rules: [Self.number])) { rig in
            let (incident, id) = try await rig.linked()
            await rig.sandbox.settled()
            try await rig.refuseRecords(of: "\(incident)-2", times: refusals)
            try await rig.append((1...2).map { Rig.event(incident, $0) })
            try await rig.withWorker { try await rig.untilQuiet() }
            let ended = try await rig.outcomes("incident.escalated").map {
                $0.prefix { $0 != ":" }
            }
            XCTAssertEqual(ended.map(String.init), outcomes, line: line)
            let effects = try await rig.effects().sorted { $0.key < $1.key }
            XCTAssertEqual(effects.map(\.state), states.map(\.rawValue), line: line)
            let number = try await rig.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 2, line: line)
            XCTAssertEqual(
                rig.changes("updated Case").count, 3, "folded, then one by one", line: line)
        }
    }
}

extension Rig {
    fileprivate func refuseRecords(of event: String, times: Int) async throws {
        try await pool.query("CREATE SEQUENCE refusals")
        try await pool.query(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF starts_with(NEW.key, TG_ARGV[0]) AND nextval('refusals') <= TG_ARGV[1]::int THEN
                    RAISE 'not this one' USING ERRCODE = 'data_exception';
                END IF;
                RETURN NEW;
            END $$
            """)
        try await pool.query(
            """
            CREATE TRIGGER refuse BEFORE INSERT ON effect FOR EACH ROW
            WHEN (NEW.state = 'performed')
            EXECUTE FUNCTION refuse('\(unescaped: event)|', \(unescaped: "\(times)"))
            """)
    }
}
