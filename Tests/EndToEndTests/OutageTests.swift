import JSON
import Models
import Postgres
import Sandbox
import XCTest

@testable import Worker

/// A vendor that is down, or that fails one call again and again.
final class OutageTests: XCTestCase {
    func testFiveMinutesOfServerErrorsCostNoAttempt() async throws {
        try await checkOutage(["fault": "status", "status": 503])
    }

    func testFiveMinutesWithoutAnAnswerCostNoAttempt() async throws {
        try await checkOutage(["fault": "drop"])
    }

    private func checkOutage(_ fault: JSON) async throws {
        let events = 40
        try await Rig.running(for: self, .workersOnly) { rig in
            try await rig.appendNotes(events, on: 4)
            await rig.injectFault(
                fault.with("vendor", "pagerduty").with("times", 1_000_000))
            try await rig.withWorkers(2) {
                // A slow machine may need more steps.
                for step in 1...1000 where step <= 30 || rig.pagerDutyCalls.count < 5 {
                    let calls = rig.sandbox.calls.count
                    try await rig.pass(10)
                    let paused = try await rig.number(
                        "SELECT count(*) FROM budget WHERE open_until > now()")
                    if paused > 0 { continue }
                    _ = await rig.sandbox.call(within: .seconds(0.3)) { $0.number > calls }
                }
                let attempts = try await rig.number("SELECT max(attempt) FROM lane")
                XCTAssertLessThanOrEqual(attempts, 1)
                let settled = try await rig.number("SELECT count(*) FROM settlement")
                XCTAssertEqual(settled, 0)
                let calls = rig.pagerDutyCalls.count
                XCTAssertLessThanOrEqual(calls, events + 25, "calls under way, then checks")
                XCTAssertGreaterThanOrEqual(calls, 5, "workers check if the vendor is back")
                await rig.clearFaults()
                try await rig.pass(66)
                try await rig.untilSettled(events)
            }
            let notes = rig.pagerDutyCalls.filter { $0.method == "POST" && $0.status == 200 }
            XCTAssertEqual(notes.count, events)
            try await rig.checkAllApplied(events)
        }
    }

    /// An organisation that hangs holds some of a worker's slots until its calls time out. Other
    /// connections use the rest.
    func testAnOrganisationThatHangsLeavesSlotsForOthers() async throws {
        try await Rig.running(for: self, .workersOnly) { rig in
            try await rig.applyTwoOrganizations()
            for (number, record) in try await rig.cases(30).enumerated() {
                try await rig.link(
                    Rig.incident(number), record, of: number < 24 ? "acme" : "beta")
            }
            await rig.injectFault([
                "vendor": "salesforce", "fault": "hang", "bodyContains": "acme",
                "times": 1_000_000,
            ])
            try await rig.append(
                (0..<24).map { Rig.separateEvent($0, Rig.incident($0)) })
            try await rig.withWorker(limits: { $0.lanesMax = 12 }) {
                _ = await rig.sandbox.call { $0.body.contains("acme") }
                try await rig.append(
                    (24..<30).map { Rig.separateEvent($0, Rig.incident($0), of: "beta") })
                try await rig.untilSettled(6)
                let held = try await rig.number("SELECT count(*) FROM lane WHERE state = 2")
                XCTAssertEqual(held, 8, "two thirds")
                await rig.sandbox.control("POST", "/_sandbox/reset")
            }
            let settled = try await rig.pool.query(
                "SELECT DISTINCT event_id LIKE 'beta-%' FROM settlement JOIN job USING (lane_id)"
            ).decoded(Bool.self)
            XCTAssertEqual(settled, [true])
        }
    }

    /// A failure of one call is no outage: its event uses up its attempts, and no other waits.
    func testACallThatAlwaysFailsIsGivenUpAndStopsNoOther() async throws {
        try await Rig.running(for: self, .workersOnly) { rig in
            let incident = try await rig.appendNotes(5, on: 1)[0]
            try await rig.append([Rig.separateEvent(9, incident, title: "poison")])
            await rig.injectFault([
                "vendor": "pagerduty", "fault": "status", "status": 500, "times": 1_000_000,
                "bodyContains": "poison",
            ])
            try await rig.withWorker(limits: { $0.attemptsMax = 3 }) {
                try await rig.untilSettled(5)
                for attempt in 2...3 {
                    let tried: SQL =
                        "SELECT count(*) FROM lane WHERE state = 1 AND attempt = \(attempt - 1)"
                    try await rig.untilCount(tried, atLeast: 1)
                    let waiting = try await rig.store.event("acme-9", of: "acme")
                    XCTAssertEqual(waiting?.postponement?.cause.status, 500)
                    XCTAssertEqual(waiting?.postponement?.attempts, attempt - 1)
                    try await rig.pass(300)
                }
                try await rig.untilSettled(6)
            }
            let outcomes = try await rig.pool.query(
                "SELECT outcome, attempt, count(*) FROM settlement GROUP BY 1, 2 ORDER BY 1"
            ).decoded(String.self, Int.self, Int.self)
            XCTAssertEqual(outcomes.map(\.0), ["applied", "failed"])
            XCTAssertEqual(outcomes.map(\.1), [1, 3])
            XCTAssertEqual(outcomes.map(\.2), [5, 1])
            let trips = try await rig.number("SELECT sum(trips)::int FROM budget")
            XCTAssertEqual(trips, 0)
        }
    }
}
