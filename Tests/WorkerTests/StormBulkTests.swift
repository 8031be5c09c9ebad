import JSON
import Models
import Postgres
import Sandbox
import XCTest

@testable import Worker

/// Writes of many lanes to one organisation.
final class StormBulkTests: XCTestCase {
    /// Each lane has one write. Together they need few calls; one that Salesforce refuses is marked
    /// failed with Salesforce's words, and the others are as if each had been written by itself.
    func testAThousandLanesNeedFewCalls() async throws {
        let lanes = 1000
        try await StormHouse.running(for: self) { house in
            let records = try await house.prepareWrites(lanes)
            let tooLong = String(repeating: "x", count: 300)
            try await house.append(
                (0..<lanes).map {
                    house.event(
                        $0, StormHouse.incident($0), of: "acme",
                        title: $0 == 7 ? tooLong : "new \($0)")
                })
            try await house.withWorkers(1, { $0.lanesMax = lanes * 3 / 2 }) {
                try await house.untilSettled(lanes)
            }
            XCTAssertLessThanOrEqual(house.writes.count, lanes / 200 + 10)
            for (number, record) in records.enumerated() {
                let subject = await house.subject(of: record)
                XCTAssertEqual(subject, number == 7 ? "before 7" : "new \(number)")
            }
            let failed = try await house.pool.query(
                """
                SELECT job.event_id, settlement.detail FROM settlement
                JOIN job USING (lane_id, sequence) WHERE outcome = 'failed'
                """
            ).decoded(String.self, String.self)
            XCTAssertEqual(failed.map(\.0), ["acme-7"])
            XCTAssertTrue(failed.allSatisfy { $0.1.contains("STRING_TOO_LONG") }, "\(failed)")
        }
    }

    /// Somebody else holds one of the records: only its lane tries again.
    func testALockedRecordIsTriedAgainByItself() async throws {
        let lanes = 50
        try await StormHouse.running(for: self) { house in
            let records = try await house.prepareWrites(lanes)
            await house.order([
                "vendor": "salesforce", "fault": "lockRow", "path": "*/composite/sobjects",
                "records": [0],
            ])
            try await house.append(
                (0..<lanes).map {
                    house.event($0, StormHouse.incident($0), of: "acme", title: "new \($0)")
                })
            try await house.withWorkers {
                try await house.untilSettled(lanes - 1)
                try await house.pass(10)
                try await house.untilSettled(lanes)
            }
            for (number, record) in records.enumerated() {
                let subject = await house.subject(of: record)
                XCTAssertEqual(subject, "new \(number)")
            }
            let attempts = try await house.pool.query(
                "SELECT attempt, count(*) FROM settlement GROUP BY 1 ORDER BY 1"
            ).decoded(Int.self, Int.self)
            XCTAssertEqual(attempts.map(\.0), [1, 2])
            XCTAssertEqual(attempts.map(\.1), [lanes - 1, 1])
        }
    }
}

/// Salesforce's daily limit.
final class StormDailyLimitTests: XCTestCase {
    /// Both connections lead to the same stand-in, under two names; the limit of one is played by a
    /// fault.
    func testItPausesThatOrganisationOnly() async throws {
        try await StormHouse.running(for: self) { house in
            let records = try await house.cases(2)
            let acme = try house.connection("acme", .salesforce, StormHouse.subjectRule("acme"))
            var beta = try house.connection("beta", .salesforce, StormHouse.subjectRule("beta"))
            let port = try XCTUnwrap(house.sandbox.salesforceURL.split(separator: ":").last)
            beta.connection.salesforce?.loginURL = "http://localhost:\(port)"
            try await house.apply(acme, beta)
            for (connection, record) in zip(["acme", "beta"] as [ConnectionID], records) {
                for number in 0..<20 {
                    let link = Link(
                        incident: StormHouse.incident(number), object: "Case", record: record)
                    try await house.store.link(link, in: connection)
                }
                try await house.append(
                    (0..<20).map { house.event($0, StormHouse.incident($0), of: connection) })
            }
            await house.order([
                "vendor": "salesforce", "fault": "dailyLimit", "bodyContains": "acme",
                "times": 1_000_000,
            ])
            try await house.withWorkers(2) {
                try await house.until(StormHouse.blocked, atLeast: 1)
                try await house.untilSettled(20)
                let others = try await house.number(
                    """
                    SELECT count(*) FROM settlement JOIN lane USING (lane_id)
                    JOIN connection ON connection.number = lane.connection
                    WHERE connection.id = 'beta' AND outcome = 'applied'
                    """)
                XCTAssertEqual(others, 20)
                let calls = house.writes.filter { $0.body.contains("acme") }.count
                XCTAssertLessThanOrEqual(calls, 2, "one of each worker")
                let seconds = try await house.number(
                    """
                    SELECT extract(epoch FROM blocked_until - now())::int FROM connection
                    WHERE id = 'acme'
                    """)
                XCTAssertEqual(Double(seconds), 900, accuracy: 100)
                await house.sandbox.control("DELETE", "/_sandbox/faults")
                try await house.pass(1000)
                try await house.untilSettled(40)
            }
            try await house.checkAllApplied(40)
        }
    }
}

extension StormHouse {
    static func subjectRule(_ prefix: String = "") -> JSON {
        let value = prefix.isEmpty ? "{{incident.title}}" : "\(prefix) {{incident.title}}"
        return [
            [
                "id": "subject", "object": "Case", "direction": "incidentChange",
                "when": ["always": true],
                "actions": [["type": "setField", "field": "Subject", "value": .string(value)]],
            ]
        ]
    }

    static func incident(_ number: Int) -> IncidentID { IncidentID("Q\(1000 + number)") }

    /// A connection without PagerDuty, and a record for each of so many incidents.
    func prepareWrites(_ count: Int) async throws -> [RecordID] {
        try await apply(try connection("acme", .salesforce, Self.subjectRule()))
        let records = try await cases(count)
        for (number, record) in records.enumerated() {
            let link = Link(incident: Self.incident(number), object: "Case", record: record)
            try await store.link(link, in: "acme")
        }
        return records
    }

    /// Calls that changed records, or tried to.
    var writes: [RecordedCall] { sandbox.calls.filter { $0.method == "PATCH" } }
}
