import JSON
import Models
import Postgres
import Sandbox
import XCTest

@testable import Worker

/// Writes of many lanes to one organisation, which share calls.
final class BulkWriteTests: XCTestCase {
    /// Each lane has one write. The write that Salesforce refuses fails with Salesforce's message,
    /// and the others are made.
    func testAThousandLanesNeedFewCalls() async throws {
        let lanes = 1000
        try await Rig.running(for: self, .workersOnly) { rig in
            let records = try await rig.linkCases(lanes)
            let tooLong = String(repeating: "x", count: 300)
            try await rig.append(
                (0..<lanes).map {
                    Rig.separateEvent(
                        $0, Rig.incident($0), title: $0 == 7 ? tooLong : "new \($0)")
                })
            try await rig.withWorker(limits: { $0.lanesMax = lanes * 3 / 2 }) {
                try await rig.untilSettled(lanes)
            }
            XCTAssertLessThanOrEqual(rig.writeCalls.count, lanes / 200 + 10)
            for (number, record) in records.enumerated() {
                let subject = try await rig.record("Case", record)["Subject"]?.string
                XCTAssertEqual(subject, number == 7 ? "before 7" : "new \(number)")
            }
            let failed = try await rig.pool.query(
                """
                SELECT job.event_id, settlement.detail FROM settlement
                JOIN job USING (lane_id, sequence) WHERE outcome = 'failed'
                """
            ).decoded(String.self, String.self)
            XCTAssertEqual(failed.map(\.0), ["acme-7"])
            XCTAssertTrue(failed.allSatisfy { $0.1.contains("STRING_TOO_LONG") }, "\(failed)")
        }
    }

    /// Another user holds one of the records: only its lane tries again.
    func testALockedRecordIsTriedAgainAlone() async throws {
        let lanes = 50
        try await Rig.running(for: self, .workersOnly) { rig in
            let records = try await rig.linkCases(lanes)
            await rig.injectFault([
                "vendor": "salesforce", "fault": "lockRow", "path": "*/composite/sobjects",
                "records": [0],
            ])
            try await rig.append(
                (0..<lanes).map {
                    Rig.separateEvent(
                        $0, Rig.incident($0), title: "new \($0)")
                })
            try await rig.withWorker {
                try await rig.untilSettled(lanes - 1)
                try await rig.pass(10)
                try await rig.untilSettled(lanes)
            }
            for (number, record) in records.enumerated() {
                let subject = try await rig.record("Case", record)["Subject"]?.string
                XCTAssertEqual(subject, "new \(number)")
            }
            let attempts = try await rig.pool.query(
                "SELECT attempt, count(*) FROM settlement GROUP BY 1 ORDER BY 1"
            ).decoded(Int.self, Int.self)
            XCTAssertEqual(attempts.map(\.0), [1, 2])
            XCTAssertEqual(attempts.map(\.1), [lanes - 1, 1])
        }
    }
}

/// Events that write the title of an incident into the subject of its case.
extension Rig {
    static func subjectRule(_ prefix: String = "") -> JSON {
        let text = prefix.isEmpty ? "{{incident.title}}" : "\(prefix) {{incident.title}}"
        return Rules.onIncident(
            "subject", when: Rules.always, Rules.set("Subject", .string(text)))
    }

    static func incident(_ number: Int) -> IncidentID { IncidentID("Q\(1000 + number)") }

    /// Applies a connection without PagerDuty, and links so many incidents to a case each.
    func linkCases(_ count: Int) async throws -> [RecordID] {
        try await apply(entry(Self.connection, .salesforce, rules: [Self.subjectRule()]))
        let records = try await cases(count)
        for (number, record) in records.enumerated() {
            try await link(Self.incident(number), record)
        }
        return records
    }

    /// Applies the connections `acme` and `beta`, which reach the same stand-in under two names.
    /// The subject that each of them writes begins with its name.
    func applyTwoOrganizations() async throws {
        let acme = try entry("acme", .salesforce, rules: [Self.subjectRule("acme")])
        var beta = try entry("beta", .salesforce, rules: [Self.subjectRule("beta")])
        let port = try XCTUnwrap(sandbox.salesforceURL.split(separator: ":").last)
        beta.connection.salesforce?.loginURL = "http://localhost:\(port)"
        try await apply(acme, beta)
    }

    /// Calls that changed records, or tried to.
    var writeCalls: [RecordedCall] { sandbox.calls.filter { $0.method == "PATCH" } }
}
