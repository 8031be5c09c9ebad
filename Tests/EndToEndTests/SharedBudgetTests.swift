import JSON
import Models
import Postgres
import Sandbox
import XCTest

@testable import Worker

/// Workers that share the limit of one PagerDuty account, which counts their calls.
final class SharedBudgetTests: XCTestCase {
    /// The stand-in refuses call 961 of a minute. The workers never make it. For both of them a
    /// minute has ten seconds.
    func testFourWorkersTogetherKeepTheLimitOfOneAccount() async throws {
        let (events, minute) = (1100, Duration.seconds(10))
        var options = Rig.Options.workersOnly
        options.sandbox.pagerDuty.callMinute = minute
        options.limits.callMinute = minute
        try await Rig.running(for: self, options) { rig in
            try await rig.appendNotes(events, on: 10)
            let began = rig.sandbox.clock.milliseconds
            try await rig.withWorkers(4) { try await rig.untilSettled(events) }
            XCTAssertEqual(rig.pagerDutyCalls.count, events, "each call once, none too early")
            XCTAssertEqual(Set(rig.pagerDutyCalls.map(\.status)), [200])
            let took = Duration.milliseconds(rig.sandbox.clock.milliseconds - began)
            XCTAssertGreaterThan(took, minute, "it was more than one minute's limit")
            let pauses = try await rig.number(
                "SELECT count(*) FROM budget WHERE closed_until > 'epoch'")
            XCTAssertEqual(pauses, 0, "no answer said that little is left")
            try await rig.checkAllApplied(events)
        }
    }

    /// The vendor's limit belongs to the key, and connections that use the same key share it.
    func testConnectionsWithOneKeyShareItsBudget() async throws {
        try await Rig.running(for: self, .workersOnly) { rig in
            var other = try rig.entry("other", .pagerDuty, rules: Self.rules)
            other.connection.pagerDuty?.token = SecretText(SandboxOptions().pagerDuty.userKey)
            try await rig.apply(
                rig.entry("acme", .pagerDuty, rules: Self.rules),
                rig.entry("beta", .pagerDuty, rules: Self.rules), other)
            let incident = try await rig.trigger()
            let names = ["acme", "beta", "other"] as [ConnectionID]
            try await rig.append(names.map { Rig.separateEvent(1, incident, of: $0) })
            try await rig.withWorker { try await rig.untilSettled(3) }
            let used = try await rig.pool.query(
                "SELECT scope FROM budget ORDER BY scope"
            ).decoded(String.self)
            XCTAssertEqual(used.count, 2, "\(used)")
            XCTAssertEqual(rig.pagerDutyCalls.map(\.status), [200, 200, 200])
        }
    }

    /// Three incidents are to be resolved while many notes wait for the same few calls.
    func testResolvesAreCalledBeforeNotes() async throws {
        try await Rig.running(for: self, .workersOnly) { rig in
            let incidents = try await rig.appendNotes(60, on: 6)
            // 15 calls at once, then 3.6 a second.
            try await rig.withWorker(limits: { $0.pagerDutyCallsPerMinuteMax = 240 }) {
                try await rig.untilSettled(15)
                let before = rig.noteCalls.count
                try await rig.append(
                    (100..<103).map {
                        Rig.separateEvent($0, incidents[$0 - 100], .reopened)
                    })
                for incident in incidents[..<3] {
                    _ = await rig.sandbox.call {
                        $0.method == "PUT" && $0.path.hasSuffix(incident.rawValue)
                    }
                }
                XCTAssertEqual(rig.resolveCalls.count, 3)
                XCTAssertLessThanOrEqual(rig.noteCalls.count - before, 12)
            }
        }
    }

    func testARefusalWithHeadersPausesAllWorkersUntilTheReset() async throws {
        try await checkRefusal("rateLimit", pauseSeconds: 1)
    }

    func testARefusalWithoutHeadersPausesAllWorkersForHalfAMinute() async throws {
        try await checkRefusal("rateLimitBare", pauseSeconds: 30)
    }

    /// One call is refused. Later calls and those of other workers wait until the pause is over.
    /// Afterwards every event is applied, and no wait has counted as an attempt.
    private func checkRefusal(_ fault: String, pauseSeconds: Double) async throws {
        try await Rig.running(for: self, .workersOnly) { rig in
            let incident = try await rig.appendNotes(1, on: 1)[0]
            await rig.injectFault(["vendor": "pagerduty", "fault": .string(fault)])
            try await rig.withWorker { try await rig.untilCount(Rig.blocked, atLeast: 1) }
            let seconds = try await rig.number(
                "SELECT extract(epoch FROM closed_until - now())::int FROM budget")
            XCTAssertLessThanOrEqual(Double(seconds), pauseSeconds)
            XCTAssertGreaterThan(Double(seconds), pauseSeconds - 25)
            // A longer pause, so that no machine is too slow for it.
            _ = try await rig.pool.query(
                "UPDATE budget SET closed_until = now() + interval '600 seconds'")
            try await rig.unblock()
            try await rig.append([Rig.separateEvent(2, incident)])
            try await rig.withWorkers(2) {
                try await rig.untilCount(Rig.blocked, atLeast: 1)
                XCTAssertEqual(rig.pagerDutyCalls.map(\.status), [429], "no worker called")
                try await rig.pass(610)
                try await rig.untilSettled(2)
            }
            XCTAssertEqual(rig.noteCalls.map(\.status), [429, 200, 200])
            try await rig.checkAllApplied(2)
        }
    }

    /// The answer to the last call of a window says that nothing is left. No worker has to be
    /// refused to learn it.
    func testAnAnswerThatSaysThatNothingIsLeftPausesCalls() async throws {
        var options = Rig.Options.workersOnly
        options.sandbox.pagerDuty.callsPerMinuteMax = 3
        try await Rig.running(for: self, options) { rig in
            let incident = try await rig.appendNotes(3, on: 1)[0]
            try await rig.withWorker(limits: { $0.lanesMax = 1 }) {
                try await rig.untilSettled(3)
                try await rig.append([Rig.separateEvent(4, incident)])
                try await rig.untilCount(Rig.blocked, atLeast: 1)
                XCTAssertEqual(rig.pagerDutyCalls.map(\.status), [200, 200, 200])
                try await rig.pass(61)
                try await rig.untilSettled(4)
            }
            XCTAssertEqual(rig.pagerDutyCalls.map(\.status), [200, 200, 200, 200])
        }
    }

    fileprivate static let rules = [
        Rules.onIncident("note", when: Rules.event("escalate"), Rules.note("{{incident.title}}")),
        Rules.onIncident("resolve", when: Rules.event("reopen"), ["type": "resolveIncident"]),
    ]
}

/// Events whose effects are calls to PagerDuty.
extension Rig {
    var pagerDutyCalls: [RecordedCall] { sandbox.calls.filter { $0.vendor == .pagerDuty } }
    var noteCalls: [RecordedCall] { pagerDutyCalls.filter { $0.method == "POST" } }
    var resolveCalls: [RecordedCall] { pagerDutyCalls.filter { $0.method == "PUT" } }

    /// Applies a connection without Salesforce, and appends events whose only effect is a note, so
    /// that each makes one call.
    @discardableResult
    func appendNotes(_ events: Int, on incidents: Int) async throws -> [IncidentID] {
        try await apply(entry(Self.connection, .pagerDuty, rules: SharedBudgetTests.rules))
        var ids: [IncidentID] = []
        for _ in 0..<incidents { ids.append(try await trigger()) }
        try await append((0..<events).map { Self.separateEvent($0, ids[$0 % incidents]) })
        return ids
    }

    static let blocked: SQL = "SELECT count(*) FROM connection WHERE blocked_until > now()"

    /// Lets workers lease lanes again, whatever the budget says.
    func unblock() async throws {
        try await pool.query("UPDATE connection SET blocked_until = 'epoch'")
        try await pool.query("UPDATE lane SET ready_at = now() WHERE state = 1")
    }

    func checkAllApplied(_ count: Int, line: UInt = #line) async throws {
        let outcomes = try await pool.query(
            "SELECT outcome, attempt, count(*) FROM settlement GROUP BY 1, 2 ORDER BY 1, 2"
        ).decoded(String.self, Int.self, Int.self)
        XCTAssertEqual(outcomes.map(\.0), ["applied"], line: line)
        XCTAssertEqual(outcomes.map(\.1), [1], "attempts", line: line)
        XCTAssertEqual(outcomes.map(\.2), [count], line: line)
    }
}
