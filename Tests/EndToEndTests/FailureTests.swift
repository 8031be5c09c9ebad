import JSON
import Models
import Sandbox
import XCTest

@testable import Worker

/// What goes wrong at the vendors: what is tried again and when, and what is given up.
final class FailureTests: XCTestCase {
    func testARefusedFieldFailsWithTheVendorsWordsAndCanBeReplayed() async throws {
        let rules = [
            Rules.onIncident(
                "team", when: Rules.event("escalate"), Rules.set("Team__c", "{{incident.title}}")),
            Rules.onIncident("number", when: Rules.event("delegate"), Rules.setNumber),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            try await bridge.append(incident, 1, .escalated, title: "Storefront")
            try await bridge.append(incident, 2, .delegated)
            try await bridge.quiet()
            let event = try await bridge.onlyEvent("incident.escalated")
            guard case .failed(let cause) = event.ending?.outcome else {
                return XCTFail("\(event)")
            }
            XCTAssertEqual(cause.origin, .salesforce)
            XCTAssertEqual(cause.code, "INVALID_FIELD")
            XCTAssertEqual(cause.status, 400)
            XCTAssertTrue(cause.message.contains("No such column 'Team__c'"), cause.message)
            let number = try await bridge.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 2, "the lane goes on")

            await bridge.tell(
                "/_sandbox/salesforce/fields", ["object": "Case", "name": "Team__c"])
            let replayed = try await bridge.store.replay(
                event.job.event.id, of: Bridge.connection, nonce: "1")
            try await bridge.store.notify()
            try await bridge.quiet()
            let id2 = try XCTUnwrap(replayed?.id)
            let again = try await bridge.store.event(id2, of: Bridge.connection)
            XCTAssertEqual(again?.ending?.outcome, .applied)
            let team = try await bridge.record("Case", id)["Team__c"]
            XCTAssertEqual(team, "Storefront")
        }
    }

    /// Each effect is worth trying: one that is refused does not keep the others back.
    func testTheOtherEffectsOfARefusedOneAreMade() async throws {
        let rule = Rules.onIncident(
            "all", when: Rules.event("escalate"), Rules.set("Nowhere__c", "x"),
            Rules.comment("Told."), Rules.note("Noted."))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let (incident, id) = try await bridge.linked()
            try await bridge.append(incident, 1)
            try await bridge.quiet()
            let comments = await bridge.comments(on: id)
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual([comments, notes], [["Told."], ["Noted."]])
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["failed: INVALID_FIELD"])
        }
    }

    /// A template that comes out empty, where something must stand.
    func testARuleThatCannotBeAppliedFailsTheEventAndKeepsNoOtherBack() async throws {
        let rules = [
            Rules.onRecord(
                "priority", when: Rules.condition("record.Status", "changedTo", "Working"),
                ["type": "setIncidentPriority", "priority": "{{record.SuppliedName}}"]),
            Rules.onRecord(
                "note", when: Rules.condition("record.Status", "changedTo", "Working"),
                Rules.note("Working.")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.update("Case", id, ["Status": "Working"])
            try await bridge.quiet()
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Working."])
            let outcomes = try await bridge.outcomes("record.updated")
            XCTAssertEqual(outcomes, ["failed: template.empty"])
        }
    }

    func testWhatPassesIsTriedAgainAndWhatDoesNotIsNot() async throws {
        func pagerDuty(_ status: JSON, times: JSON = 1) -> JSON {
            ["vendor": "pagerduty", "fault": "status", "status": status, "times": times]
        }
        try await atWrites { bridge in
            try await bridge.check(pagerDuty(503), attempt: 2, calls: 2, postponed: 2)
            try await bridge.check(
                pagerDuty(500, times: 3), attempt: 4, calls: 4, postponed: 2, 4, 8)
            try await bridge.check(
                ["vendor": "salesforce", "fault": "status", "status": 503, "body": "<html>busy"],
                attempt: 2, calls: 2, postponed: 2)
            try await bridge.check(
                ["vendor": "salesforce", "fault": "lockRow"], attempt: 2, calls: 2, postponed: 2)
            try await bridge.check(
                ["vendor": "salesforce", "fault": "lockRow", "wrapped": true], attempt: 2,
                calls: 2, postponed: 2)
            // A new login, and no attempt lost.
            try await bridge.check(
                ["vendor": "salesforce", "fault": "expiredSession"], attempt: 1, calls: 2)
            // A key that is refused, once and for all.
            try await bridge.check(
                ["vendor": "pagerduty", "fault": "expiredSession", "times": 9], "failed: 2006",
                attempt: 1, calls: 1)
        }
    }

    func testAfterItsAttemptsAnEventFailsAndTheLaneGoesOn() async throws {
        try await atWrites(attemptsMax: 3) { bridge in
            try await bridge.check(
                ["vendor": "pagerduty", "fault": "status", "status": 503, "times": 3],
                "failed: 503", attempt: 3, calls: 3, postponed: 2, 4)
        }
    }

    /// The vendor asked for patience: that is no failed attempt, however often it asks.
    func testPatienceCostsNoAttempt() async throws {
        try await checkPatience(
            [
                "vendor": "pagerduty", "fault": "status", "status": 429, "times": 3,
                "headers": ["ratelimit-limit": "960", "ratelimit-reset": "20"],
            ], seconds: 20, times: 3)
        try await checkPatience(
            ["vendor": "pagerduty", "fault": "rateLimitBare"], seconds: 30)
        try await checkPatience(
            ["vendor": "salesforce", "fault": "dailyLimit"], seconds: 900)
    }

    func testOneLoginReplacesTheSessionOfABurst() async throws {
        let rule = Rules.onIncident(
            "number", when: Rules.event("escalate"), Rules.setNumber)
        try await Bridge.open(for: self, .init(rules: [rule])) { bridge in
            var pairs: [(incident: IncidentID, record: RecordID)] = []
            for _ in 1...50 { pairs.append(try await bridge.linked()) }
            await bridge.sandbox.settled()
            try await bridge.withWorker {
                try await bridge.append(pairs[0].incident, 1)
                try await bridge.quiet()
                await bridge.sandbox.control("DELETE", "/_sandbox/salesforce/sessions")
                try await bridge.append(pairs.map { Bridge.event($0.incident, 7) })
                try await bridge.quiet()
            }
            let logins = bridge.sandbox.calls.filter { $0.path == "/services/oauth2/token" }
            XCTAssertEqual(logins.count, 2)
            let numbers = await bridge.records("Case").map {
                $0["PagerDuty_Incident_Number__c"]?.int
            }
            XCTAssertEqual(numbers, Array(repeating: 7, count: 50))
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(Set(outcomes), ["applied"])
        }
    }

    /// Changes of one record that wait together are one write; it, too, comes to an end.
    func testABacklogOfOneRecordComesToAnEnd() async throws {
        let rule = Rules.onIncident(
            "number", when: Rules.event("escalate"), Rules.setNumber)
        try await Bridge.open(for: self, .init(rules: [rule])) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.sandbox.settled()
            await bridge.order([
                "vendor": "salesforce", "fault": "lockRow", "method": "PATCH", "times": 1000,
            ])
            try await bridge.append((1...3).map { Bridge.event(incident, $0) })
            try await bridge.withWorker(limits: { $0.attemptsMax = 2 }) {
                try await bridge.quiet()
                let outcomes = try await bridge.outcomes("incident.escalated")
                XCTAssertEqual(
                    outcomes, Array(repeating: "failed: UNABLE_TO_LOCK_ROW", count: 3))
                await bridge.release()
                try await bridge.append(incident, 4)
                try await bridge.quiet()
            }
            let number = try await bridge.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 4)
        }
    }
}

extension FailureTests {
    /// One event whose write meets the fault again and again, each time under a new worker: a
    /// worker that was asked for patience has it.
    private func checkPatience(
        _ fault: JSON, seconds: Double, times: Int = 1, line: UInt = #line
    ) async throws {
        let isPagerDuty = fault["vendor"] == "pagerduty"
        let action = isPagerDuty ? Rules.note("Now.") : Rules.set("Description", "Now.")
        let rule = Rules.onIncident("write", when: Rules.event("escalate"), action)
        let options = Bridge.Options(rules: [rule], hurries: false)
        try await Bridge.open(for: self, options) { bridge in
            let (incident, _) = try await bridge.linked()
            try await bridge.withWorker { try await bridge.quiet() }
            await bridge.order(fault.with("method", isPagerDuty ? "POST" : "PATCH"))
            try await bridge.append(incident, 1)
            for _ in 1...times {
                let waits = try await bridge.withWorker(limits: { $0.changesPerTargetMax = 2 }) {
                    try await bridge.waitOfOnlyLane()
                }
                // A part of it has passed when the test looks.
                XCTAssertTrue(
                    (seconds / 2...seconds).contains(waits.seconds), "\(waits)", line: line)
                XCTAssertEqual(waits.attempts, 0, line: line)
                try await bridge.letTimePass()
            }
            try await bridge.withWorker(limits: { $0.changesPerTargetMax = 2 }) {
                try await bridge.quiet()
            }
            let event = try await bridge.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.outcome, .applied, line: line)
            XCTAssertEqual(event.ending?.attempt, 1, line: line)
        }
    }

    /// A bridge whose worker, on an incident's escalation, notes on the incident, or on its
    /// delegation writes to its case.
    private func atWrites(
        attemptsMax: Int = 8, _ body: (Bridge) async throws -> Void
    ) async throws {
        let rules = [
            Rules.onIncident("note", when: Rules.event("escalate"), Rules.note("{{event.id}}")),
            Rules.onIncident(
                "set", when: Rules.event("delegate"), Rules.set("Description", "{{event.id}}")),
        ]
        // Small, so that a repeated attempt that counted as one more change would show.
        let limits: @Sendable (inout WorkerLimits) -> Void = {
            $0.attemptsMax = attemptsMax
            $0.changesPerTargetMax = 3
        }
        try await Bridge.atWork(for: self, .init(rules: rules), limits: limits, body)
    }
}

extension Bridge {
    /// One event whose write meets the fault, and another one behind it, which is always applied.
    ///
    /// - Parameter postponed: the most seconds of each wait.
    fileprivate func check(
        _ fault: JSON, _ outcome: String = "applied", attempt: Int, calls: Int,
        postponed secondsMax: Double..., line: UInt = #line
    ) async throws {
        let isPagerDuty = fault["vendor"] == "pagerduty"
        let method = isPagerDuty ? "POST" : "PATCH"
        let change: EventKind.IncidentChange = isPagerDuty ? .escalated : .delegated
        let (incident, _) = try await linked()
        try await quiet()
        let (callsBefore, waitsBefore) = (sandbox.calls.count, try await postponed().count)
        await order(fault.with("method", .string(method)))
        try await append(incident, 1, change)
        try await idle()
        await release()
        try await append(incident, 2, change)
        try await quiet()
        let endings = try await events()
            .filter {
                $0.job.event.lane == .incident(incident) && $0.job.event.kind == .incident(change)
            }
            .compactMap(\.ending)
        XCTAssertEqual(endings.map(\.outcome.words), [outcome, "applied"], line: line)
        XCTAssertEqual(endings.first?.attempt, attempt, line: line)
        let made = sandbox.calls.dropFirst(callsBefore).filter {
            $0.method == method && $0.vendor.rawValue == fault["vendor"]?.string
        }
        XCTAssertEqual(made.count, calls + 1, "of which one for the second", line: line)
        let waits = try await postponed().dropFirst(waitsBefore).map(\.seconds)
        XCTAssertEqual(waits.count, secondsMax.count, "\(waits)", line: line)
        for (wait, most) in zip(waits, secondsMax) { XCTAssertLessThan(wait, most, line: line) }
    }
}
