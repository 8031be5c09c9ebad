import JSON
import Models
import Postgres
import Sandbox
import XCTest

@testable import Worker

/// A vendor that is down, or seems so.
final class StormOutageTests: XCTestCase {
    func testFiveMinutesOfServerErrorsCostNoAttempt() async throws {
        try await checkOutage(["fault": "status", "status": 503])
    }

    func testFiveMinutesWithoutAnAnswerCostNoAttempt() async throws {
        try await checkOutage(["fault": "drop"])
    }

    private func checkOutage(_ fault: JSON) async throws {
        let events = 40
        let order = JSON.object(
            JSONObject(
                [("vendor", "pagerduty"), ("times", 1_000_000)]
                    + (fault.object?.members ?? []).map { ($0.key, $0.value) }))
        try await StormHouse.running(for: self) { house in
            try await house.prepareNotes(events, over: 4)
            await house.order(order)
            try await house.withWorkers(2) {
                // On a slow machine what is due may come some steps later.
                for step in 1...1000 where step <= 30 || house.pagerDutyCalls.count < 5 {
                    let calls = house.sandbox.calls.count
                    try await house.pass(10)
                    let paused = try await house.number(
                        "SELECT count(*) FROM budget WHERE open_until > now()")
                    if paused > 0 { continue }
                    _ = await house.sandbox.call(withinSeconds: 0.3) { $0.number > calls }
                }
                let attempts = try await house.number("SELECT max(attempt) FROM lane")
                XCTAssertLessThanOrEqual(attempts, 1)
                let settled = try await house.number("SELECT count(*) FROM settlement")
                XCTAssertEqual(settled, 0)
                let calls = house.pagerDutyCalls.count
                XCTAssertLessThanOrEqual(calls, events + 25, "those under way, then only checks")
                XCTAssertGreaterThanOrEqual(calls, 5, "it is looked whether the vendor is back")
                await house.sandbox.control("DELETE", "/_sandbox/faults")
                try await house.pass(66)
                try await house.untilSettled(events)
            }
            let notes = house.pagerDutyCalls.filter { $0.method == "POST" && $0.status == 200 }
            XCTAssertEqual(notes.count, events)
            try await house.checkAllApplied(events)
        }
    }

    /// Until its calls time out an organisation that hangs has some of a worker's slots; the
    /// others go on in the rest.
    func testAnOrganisationThatHangsLeavesPlacesForOthers() async throws {
        try await StormHouse.running(for: self) { house in
            let acme = try house.connection("acme", .salesforce, StormHouse.subjectRule("acme"))
            var beta = try house.connection("beta", .salesforce, StormHouse.subjectRule("beta"))
            let port = try XCTUnwrap(house.sandbox.salesforceURL.split(separator: ":").last)
            beta.connection.salesforce?.loginURL = "http://localhost:\(port)"
            try await house.apply(acme, beta)
            for (number, record) in try await house.cases(30).enumerated() {
                let link = Link(
                    incident: StormHouse.incident(number), object: "Case", record: record)
                try await house.store.link(link, in: number < 24 ? "acme" : "beta")
            }
            await house.order([
                "vendor": "salesforce", "fault": "hang", "bodyContains": "acme",
                "times": 1_000_000,
            ])
            try await house.append(
                (0..<24).map { house.event($0, StormHouse.incident($0), of: "acme") })
            try await house.withWorkers(1, { $0.lanesMax = 12 }) {
                _ = await house.sandbox.call { $0.body.contains("acme") }
                try await house.append(
                    (24..<30).map { house.event($0, StormHouse.incident($0), of: "beta") })
                try await house.untilSettled(6)
                let held = try await house.number("SELECT count(*) FROM lane WHERE state = 2")
                XCTAssertEqual(held, 8, "two thirds")
                await house.sandbox.control("POST", "/_sandbox/reset")
            }
            let settled = try await house.pool.query(
                "SELECT DISTINCT event_id LIKE 'beta-%' FROM settlement JOIN job USING (lane_id)"
            ).decoded(Bool.self)
            XCTAssertEqual(settled, [true])
        }
    }

    /// What one call meets is no outage: it uses up its attempts, and nobody else waits for it.
    func testACallThatTheVendorCannotDigestIsGivenUpAndStopsNobody() async throws {
        try await StormHouse.running(for: self) { house in
            let incident = try await house.prepareNotes(5, over: 1)[0]
            try await house.append([house.event(9, incident, of: "acme", title: "poison")])
            await house.order([
                "vendor": "pagerduty", "fault": "status", "status": 500, "times": 1_000_000,
                "bodyContains": "poison",
            ])
            try await house.withWorkers(1, { $0.attemptsMax = 3 }) {
                try await house.untilSettled(5)
                for attempt in 2...3 {
                    let tried: SQL =
                        "SELECT count(*) FROM lane WHERE state = 1 AND attempt = \(attempt - 1)"
                    try await house.until(tried, atLeast: 1)
                    let waiting = try await house.store.event("acme-9", of: "acme")
                    XCTAssertEqual(waiting?.postponement?.cause.status, 500)
                    XCTAssertEqual(waiting?.postponement?.attempts, attempt - 1)
                    try await house.pass(300)
                }
                try await house.untilSettled(6)
            }
            let outcomes = try await house.pool.query(
                "SELECT outcome, attempt, count(*) FROM settlement GROUP BY 1, 2 ORDER BY 1"
            ).decoded(String.self, Int.self, Int.self)
            XCTAssertEqual(outcomes.map(\.0), ["applied", "failed"])
            XCTAssertEqual(outcomes.map(\.1), [1, 3])
            XCTAssertEqual(outcomes.map(\.2), [5, 1])
            let trips = try await house.number("SELECT sum(trips)::int FROM budget")
            XCTAssertEqual(trips, 0)
        }
    }
}
