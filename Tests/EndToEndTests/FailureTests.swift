import JSON
import Models
import Sandbox
import XCTest

@testable import Worker

/// Calls that fail: which are tried again and when, and which fail their event.
final class FailureTests: XCTestCase {
    func testARefusedFieldFailsWithTheVendorsMessageAndCanBeReplayed() async throws {
        let rules = [
            Rules.onIncident(
                "team", when: Rules.event("escalate"), Rules.set("Team__c", "{{incident.title}}")),
            Rules.onIncident("number", when: Rules.event("delegate"), Rules.setNumber),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked()
            try await rig.append(incident, 1, .escalated, title: "Storefront")
            try await rig.append(incident, 2, .delegated)
            try await rig.untilQuiet()
            let event = try await rig.onlyEvent("incident.escalated")
            guard case .failed(let cause) = event.ending?.outcome else {
                return XCTFail("\(event)")
            }
            XCTAssertEqual(cause.origin, .salesforce)
            XCTAssertEqual(cause.code, "INVALID_FIELD")
            XCTAssertEqual(cause.status, 400)
            XCTAssertTrue(cause.message.contains("No such column 'Team__c'"), cause.message)
            let number = try await rig.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 2, "the lane goes on")

            await rig.tell(
                "/_sandbox/salesforce/fields", ["object": "Case", "name": "Team__c"])
            let replayed = try await rig.store.replay(
                event.job.event.id, of: Rig.connection, nonce: "1")
            try await rig.store.notify()
            try await rig.untilQuiet()
            let id2 = try XCTUnwrap(replayed?.id)
            let again = try await rig.store.event(id2, of: Rig.connection)
            XCTAssertEqual(again?.ending?.outcome, .applied)
            let team = try await rig.record("Case", id)["Team__c"]
            XCTAssertEqual(team, "Storefront")
        }
    }

    func testARefusedEffectDoesNotStopTheOtherEffectsOfItsEvent() async throws {
        let rule = Rules.onIncident(
            "all", when: Rules.event("escalate"), Rules.set("Nowhere__c", "x"),
            Rules.comment("Told."), Rules.note("Noted."))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let (incident, id) = try await rig.linked()
            try await rig.append(incident, 1)
            try await rig.untilQuiet()
            let comments = await rig.comments(on: id)
            let notes = await rig.notes(on: incident)
            XCTAssertEqual([comments, notes], [["Told."], ["Noted."]])
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["failed: INVALID_FIELD"])
        }
    }

    /// A template is empty where the vendor needs a value.
    func testARuleThatCannotBeAppliedFailsTheEventAndStopsNoOtherRule() async throws {
        let rules = [
            Rules.onRecord(
                "priority", when: Rules.condition("record.Status", "changedTo", "Working"),
                ["type": "setIncidentPriority", "priority": "{{record.SuppliedName}}"]),
            Rules.onRecord(
                "note", when: Rules.condition("record.Status", "changedTo", "Working"),
                Rules.note("Working.")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked()
            await rig.update("Case", id, ["Status": "Working"])
            try await rig.untilQuiet()
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Working."])
            let outcomes = try await rig.outcomes("record.updated")
            XCTAssertEqual(outcomes, ["failed: template.empty"])
        }
    }

    func testTemporaryFailuresAreTriedAgainAndPermanentOnesAreNot() async throws {
        func pagerDuty(_ status: JSON, times: JSON = 1) -> JSON {
            ["vendor": "pagerduty", "fault": "status", "status": status, "times": times]
        }
        try await atWrites { rig in
            try await rig.check(pagerDuty(503), attempt: 2, calls: 2, postponed: 2)
            try await rig.check(
                pagerDuty(500, times: 3), attempt: 4, calls: 4, postponed: 2, 4, 8)
            try await rig.check(
                ["vendor": "salesforce", "fault": "status", "status": 503, "body": "<html>busy"],
                attempt: 2, calls: 2, postponed: 2)
            try await rig.check(
                ["vendor": "salesforce", "fault": "lockRow"], attempt: 2, calls: 2, postponed: 2)
            try await rig.check(
                ["vendor": "salesforce", "fault": "lockRow", "wrapped": true], attempt: 2,
                calls: 2, postponed: 2)
            // A new login, and no attempt lost.
            try await rig.check(
                ["vendor": "salesforce", "fault": "expiredSession"], attempt: 1, calls: 2)
            // A key that is refused for good.
            try await rig.check(
                ["vendor": "pagerduty", "fault": "expiredSession", "times": 9], "failed: 2006",
                attempt: 1, calls: 1)
        }
    }

    func testAnEventFailsAfterItsAttemptsAndTheLaneGoesOn() async throws {
        try await atWrites(attemptsMax: 3) { rig in
            try await rig.check(
                ["vendor": "pagerduty", "fault": "status", "status": 503, "times": 3],
                "failed: 503", attempt: 3, calls: 3, postponed: 2, 4)
        }
    }

    /// A vendor that asks to wait, however often, costs the event no attempt.
    func testThrottlingCostsNoAttempt() async throws {
        try await checkThrottling(
            [
                "vendor": "pagerduty", "fault": "status", "status": 429, "times": 3,
                "headers": ["ratelimit-limit": "960", "ratelimit-reset": "20"],
            ], seconds: 20, times: 3)
        try await checkThrottling(
            ["vendor": "pagerduty", "fault": "rateLimitBare"], seconds: 30)
        try await checkThrottling(
            ["vendor": "salesforce", "fault": "dailyLimit"], seconds: 900)
    }

    func testOneLoginReplacesTheSessionOfABurst() async throws {
        let rule = Rules.onIncident(
            "number", when: Rules.event("escalate"), Rules.setNumber)
        try await Rig.running(for: self, .init(rules: [rule])) { rig in
            var pairs: [(incident: IncidentID, record: RecordID)] = []
            for _ in 1...50 { pairs.append(try await rig.linked()) }
            await rig.sandbox.settled()
            try await rig.withWorker {
                try await rig.append(pairs[0].incident, 1)
                try await rig.untilQuiet()
                await rig.sandbox.control("DELETE", "/_sandbox/salesforce/sessions")
                try await rig.append(pairs.map { Rig.event($0.incident, 7) })
                try await rig.untilQuiet()
            }
            let logins = rig.sandbox.calls.filter { $0.path == "/services/oauth2/token" }
            XCTAssertEqual(logins.count, 2)
            let numbers = await rig.records("Case").map {
                $0["PagerDuty_Incident_Number__c"]?.int
            }
            XCTAssertEqual(numbers, Array(repeating: 7, count: 50))
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(Set(outcomes), ["applied"])
        }
    }

    /// Changes of one record that wait together are one write, which has the attempts of one.
    func testTheSharedWriteOfABacklogIsGivenUp() async throws {
        let rule = Rules.onIncident(
            "number", when: Rules.event("escalate"), Rules.setNumber)
        try await Rig.running(for: self, .init(rules: [rule])) { rig in
            let (incident, id) = try await rig.linked()
            await rig.sandbox.settled()
            await rig.injectFault([
                "vendor": "salesforce", "fault": "lockRow", "method": "PATCH", "times": 1000,
            ])
            try await rig.append((1...3).map { Rig.event(incident, $0) })
            try await rig.withWorker(limits: { $0.attemptsMax = 2 }) {
                try await rig.untilQuiet()
                let outcomes = try await rig.outcomes("incident.escalated")
                XCTAssertEqual(
                    outcomes, Array(repeating: "failed: UNABLE_TO_LOCK_ROW", count: 3))
                await rig.clearFaults()
                try await rig.append(incident, 4)
                try await rig.untilQuiet()
            }
            let number = try await rig.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 4)
        }
    }
}

extension FailureTests {
    /// One event whose write meets the fault so many times.
    private func checkThrottling(
        _ fault: JSON, seconds: Double, times: Int = 1, line: UInt = #line
    ) async throws {
        let isPagerDuty = fault["vendor"] == "pagerduty"
        let action = isPagerDuty ? Rules.note("Now.") : Rules.set("Description", "Now.")
        let rule = Rules.onIncident("write", when: Rules.event("escalate"), action)
        let options = Rig.Options(rules: [rule], skipsWaits: false)
        // Small, so that a repeated attempt that counted as one more change would show.
        try await Rig.working(for: self, options, limits: { $0.changesPerTargetMax = 2 }) { rig in
            let (incident, _) = try await rig.linked()
            try await rig.untilQuiet()
            await rig.injectFault(fault.with("method", isPagerDuty ? "POST" : "PATCH"))
            try await rig.append(incident, 1)
            for _ in 1...times {
                let wait = try await rig.onlyPostponement()
                // A part of it has passed when the test looks.
                XCTAssertTrue(
                    (seconds / 2...seconds).contains(wait.seconds), "\(wait)", line: line)
                XCTAssertEqual(wait.attempts, 0, line: line)
                try await rig.pass(seconds)
            }
            try await rig.untilQuiet()
            let event = try await rig.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.outcome, .applied, line: line)
            XCTAssertEqual(event.ending?.attempt, 1, line: line)
        }
    }

    /// Runs a worker whose rules add a note to an escalated incident, and write to the case of a
    /// delegated one.
    private func atWrites(
        attemptsMax: Int = 8, _ body: (Rig) async throws -> Void
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
        try await Rig.working(for: self, .init(rules: rules), limits: limits, body)
    }
}

extension Rig {
    /// One event whose write meets the fault, and a second event in its lane, which is applied.
    ///
    /// - Parameter secondsMax: the most seconds of each wait.
    fileprivate func check(
        _ fault: JSON, _ outcome: String = "applied", attempt: Int, calls: Int,
        postponed secondsMax: Double..., line: UInt = #line
    ) async throws {
        let isPagerDuty = fault["vendor"] == "pagerduty"
        let method = isPagerDuty ? "POST" : "PATCH"
        let change: EventKind.IncidentChange = isPagerDuty ? .escalated : .delegated
        let (incident, _) = try await linked()
        try await untilQuiet()
        let (callsBefore, waitsBefore) = (sandbox.calls.count, try await skippedWaits().count)
        await injectFault(fault.with("method", .string(method)))
        try await append(incident, 1, change)
        try await untilIdle()
        await clearFaults()
        try await append(incident, 2, change)
        try await untilQuiet()
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
        let waits = try await skippedWaits().dropFirst(waitsBefore).map(\.seconds)
        XCTAssertEqual(waits.count, secondsMax.count, "\(waits)", line: line)
        for (wait, most) in zip(waits, secondsMax) { XCTAssertLessThan(wait, most, line: line) }
    }
}
