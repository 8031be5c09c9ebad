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
            try await house.withWorkers(4, { $0.callWaitSecondsMax = 0.05 }) {
                while house.pagerDutyCalls.count < events {
                    let seen = house.sandbox.calls.count
                    try await house.pass(4)
                    // Gives them the time to use that; how well they do is not judged.
                    _ = await house.sandbox.call(withinSeconds: 0.5) { $0.number >= seen + 56 }
                }
                try await house.untilSettled(events)
            }
            XCTAssertEqual(house.pagerDutyCalls.count, events, "each call once, none too early")
            XCTAssertEqual(Set(house.pagerDutyCalls.map(\.status)), [200])
            let minutes = Double(house.sandbox.clock.milliseconds - began) / 60_000
            XCTAssertGreaterThan(minutes, 1, "it was more than one minute's limit")
            let pauses = try await house.number(
                "SELECT count(*) FROM budget WHERE closed_until > 'epoch'")
            XCTAssertEqual(pauses, 0, "nobody had to be told that little is left")
            try await house.checkAllApplied(events)
        }
    }

    /// The vendor's limit belongs to the key, whichever connections use it.
    func testConnectionsWithOneKeyShareItsBudget() async throws {
        try await StormHouse.running(for: self) { house in
            var other = try house.connection("other", .pagerDuty, StormHouse.rules)
            other.connection.pagerDuty?.token = SecretText(SandboxOptions().pagerDuty.userKey)
            try await house.apply(
                house.connection("acme", .pagerDuty, StormHouse.rules),
                house.connection("beta", .pagerDuty, StormHouse.rules), other)
            let incident = try await house.incidents(1)[0]
            let names = ["acme", "beta", "other"] as [ConnectionID]
            try await house.append(names.map { house.event(1, incident, of: $0) })
            try await house.withWorkers { try await house.untilSettled(3) }
            let used = try await house.pool.query(
                "SELECT scope FROM budget ORDER BY scope"
            ).decoded(String.self)
            XCTAssertEqual(used.count, 2, "\(used)")
            XCTAssertEqual(house.pagerDutyCalls.map(\.status), [200, 200, 200])
        }
    }

    /// Three incidents are to be resolved while many notes wait for the same few calls.
    func testResolvingGoesBeforeNotes() async throws {
        try await StormHouse.running(for: self) { house in
            let incidents = try await house.prepareNotes(60, over: 6)
            // 15 calls at once, then 3.6 a second.
            try await house.withWorkers(1, { $0.pagerDutyCallsPerMinuteMax = 240 }) {
                try await house.untilSettled(15)
                let before = house.notes.count
                try await house.append(
                    (100..<103).map {
                        house.event($0, incidents[$0 - 100], of: "acme", "incident.reopened")
                    })
                for incident in incidents[..<3] {
                    _ = await house.sandbox.call {
                        $0.method == "PUT" && $0.path.hasSuffix(incident.rawValue)
                    }
                }
                XCTAssertEqual(house.resolutions.count, 3)
                XCTAssertLessThanOrEqual(house.notes.count - before, 12)
            }
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
            _ = try await house.pool.query(
                "UPDATE budget SET closed_until = now() + interval '600 seconds'")
            try await house.unblock()
            try await house.append([house.event(2, incident, of: "acme")])
            try await house.withWorkers(2) {
                try await house.until(StormHouse.blocked, atLeast: 1)
                XCTAssertEqual(house.pagerDutyCalls.map(\.status), [429], "nobody called")
                try await house.pass(610)
                try await house.untilSettled(2)
            }
            XCTAssertEqual(house.notes.map(\.status), [429, 200, 200])
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
                try await house.pass(61)
                try await house.untilSettled(4)
            }
            XCTAssertEqual(house.pagerDutyCalls.map(\.status), [200, 200, 200, 200])
        }
    }
}

extension StormHouse {
    /// Escalated: a note. Reopened: resolve it.
    fileprivate static let rules: JSON = [
        rule("note", on: "escalate", ["type": "addNote", "text": "{{incident.title}}"]),
        rule("resolve", on: "reopen", ["type": "resolveIncident"]),
    ]

    private static func rule(_ id: String, on type: String, _ action: JSON) -> JSON {
        [
            "id": .string(id), "object": "Case", "direction": "incidentChange",
            "when": ["field": "incident.eventType", "operator": "equals", "value": .string(type)],
            "actions": [action],
        ]
    }

    var notes: [RecordedCall] { pagerDutyCalls.filter { $0.method == "POST" } }
    var resolutions: [RecordedCall] { pagerDutyCalls.filter { $0.method == "PUT" } }

    /// A connection without Salesforce, and events whose only effect is a note: one call each.
    @discardableResult
    func prepareNotes(_ events: Int, over incidents: Int) async throws -> [IncidentID] {
        try await apply(try connection("acme", .pagerDuty, Self.rules))
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
