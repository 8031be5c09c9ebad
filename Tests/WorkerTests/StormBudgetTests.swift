import JSON
import Models
import Postgres
import Sandbox
import XCTest

@testable import Worker

/// Whole workers against an account that counts.
final class StormBudgetTests: XCTestCase {
    /// The stand-in refuses call 961 of a minute of its clock; nobody ever makes it.
    func testFourWorkersKeepTheLimitOfOneAccountTogether() async throws {
        let events = 1100
        try await StormHouse.running(for: self) { house in
            try await house.prepareNotes(events, over: 10)
            let began = house.sandbox.clock.milliseconds
            try await house.withWorkers(4) {
                while house.pagerDutyCalls.count < events {
                    let seen = house.sandbox.calls.count
                    try await house.pass(1)
                    // Gives them the time to use that second; how well they do is not judged.
                    _ = await house.sandbox.call(withinSeconds: 0.5) { $0.number >= seen + 14 }
                }
                try await house.untilSettled(events)
            }
            XCTAssertEqual(house.pagerDutyCalls.count, events, "each call once, none too early")
            XCTAssertEqual(Set(house.pagerDutyCalls.map(\.status)), [200])
            let minutes = Double(house.sandbox.clock.milliseconds - began) / 60_000
            XCTAssertGreaterThan(minutes, 1, "it was more than one minute's limit")
            try await house.checkAllApplied(events)
        }
    }

    func testARefusalWithHeadersPausesEverybodyUntilTheReset() async throws {
        try await checkRefusal("rateLimit", pauseSeconds: 1)
    }

    func testARefusalWithoutAWordPausesEverybodyForHalfAMinute() async throws {
        try await checkRefusal("rateLimitBare", pauseSeconds: 30)
    }

    /// One call is refused. Who comes later, or from another process, makes none until the pause is
    /// over; then all is done, and nothing has cost an attempt.
    private func checkRefusal(_ fault: String, pauseSeconds: Double) async throws {
        try await StormHouse.running(for: self) { house in
            let incident = try await house.prepareNotes(1, over: 1)[0]
            await house.order(["vendor": "pagerduty", "fault": .string(fault)])
            try await house.withWorkers { try await house.until(StormHouse.blocked, atLeast: 1) }
            let seconds = try await house.number(
                "SELECT extract(epoch FROM closed_until - now())::int FROM budget")
            XCTAssertLessThanOrEqual(Double(seconds), pauseSeconds)
            XCTAssertGreaterThan(Double(seconds), pauseSeconds - 25)
            // Longer, so that no machine is too slow for it.
            try await house.store.close("pagerduty:acme", forSeconds: 600)
            try await house.unblock()
            try await house.append([house.event(2, incident, of: "acme")])
            try await house.withWorkers(2) {
                try await house.until(StormHouse.blocked, atLeast: 1)
                XCTAssertEqual(house.pagerDutyCalls.map(\.status), [429], "nobody called")
                try await house.quiet()
                try await house.pass(601)
                try await house.untilSettled(2)
            }
            // The one that was refused looks whether it was made after all.
            let notes = house.pagerDutyCalls.filter { $0.method == "POST" }
            XCTAssertEqual(notes.map(\.status), [429, 200, 200])
            try await house.checkAllApplied(2)
        }
    }

    /// With the last call of its window an answer says that nothing is left: nobody finds out by
    /// being refused.
    func testAnAnswerThatSaysThatNothingIsLeftPauses() async throws {
        try await StormHouse.running(for: self, { $0.pagerDuty.callsPerMinuteMax = 3 }) { house in
            let incident = try await house.prepareNotes(3, over: 1)[0]
            try await house.withWorkers(1, { $0.lanesMax = 1 }) {
                try await house.untilSettled(3)
                try await house.append([house.event(4, incident, of: "acme")])
                try await house.until(StormHouse.blocked, atLeast: 1)
                XCTAssertEqual(house.pagerDutyCalls.map(\.status), [200, 200, 200])
                try await house.quiet()
                try await house.pass(61)
                try await house.untilSettled(4)
            }
            XCTAssertEqual(house.pagerDutyCalls.map(\.status), [200, 200, 200, 200])
        }
    }
}

extension StormHouse {
    private static let noteRule: JSON = [
        [
            "id": "note", "object": "Case", "direction": "incidentChange", "when": ["always": true],
            "actions": [["type": "addNote", "text": "{{incident.title}}"]],
        ]
    ]

    /// A connection without Salesforce, and events whose only effect is a note: one call each.
    @discardableResult
    func prepareNotes(_ events: Int, over incidents: Int) async throws -> [IncidentID] {
        try await apply(try connection("acme", .pagerDuty, Self.noteRule))
        let ids = try await self.incidents(incidents)
        try await append((0..<events).map { event($0, ids[$0 % incidents], of: "acme") })
        return ids
    }

    static let blocked: SQL = "SELECT count(*) FROM connection WHERE blocked_until > now()"

    /// Lets workers look at lanes again, whatever they will find.
    func unblock() async throws {
        _ = try await pool.query("UPDATE connection SET blocked_until = 'epoch'")
        _ = try await pool.query("UPDATE lane SET ready_at = now() WHERE state = 1")
    }
}
