import Foundation
import JSON
import Models
import Store
import XCTest

@testable import Worker

/// Effects that an operator's replay makes again, and those that it leaves out.
final class ReplayTests: XCTestCase {
    /// Rules whose second action writes a field that does not exist yet.
    private static let writingTeams = [
        Rules.onIncident(
            "team", when: Rules.event("escalate"), Rules.comment("Escalated."),
            Rules.set("Team__c", "{{incident.title}}")),
        Rules.onRecord(
            "page",
            when: Rules.all(
                Rules.condition("record.Priority", "changedTo", "High"),
                Rules.condition("link.incidents", "hasNoLinkedIncident")), Rules.createIncident,
            Rules.set("Team__c", "{{incident.title}}")),
    ]

    /// The first action was performed. The second is refused until the field is added.
    func testAReplayMakesTheEffectsThatAreLeft() async throws {
        try await Rig.working(for: self, .init(rules: Self.writingTeams)) { rig in
            let (incident, id) = try await rig.linked()
            try await rig.append(incident, 1, .escalated, title: "Storefront")
            let other = try await rig.create("Case", ["Subject": "Cannot log in"])
            await rig.update("Case", other, ["Priority": "High"])
            try await rig.untilQuiet()
            let failed = try await rig.events().filter {
                if case .failed = $0.ending?.outcome { true } else { false }
            }.map(\.job.event.id)
            XCTAssertEqual(failed.count, 2)

            await rig.tell(
                "/_sandbox/salesforce/fields", ["object": "Case", "name": "Team__c"])
            try await rig.replay(failed)
            let teams = [
                try await rig.record("Case", id)["Team__c"],
                try await rig.record("Case", other)["Team__c"],
            ]
            XCTAssertEqual(teams, ["Storefront", "Case: Cannot log in"])
            // A program that knew no fingerprints would have recorded the effects like this.
            try await rig.pool.query(
                "UPDATE effect SET command = NULL, fingerprint_version = NULL, fingerprint = NULL")
            try await rig.replay(failed)
            var comments = await rig.comments(on: id)
            XCTAssertEqual(comments, ["Escalated."])
            try await rig.replay(failed, doing: .all)
            comments = await rig.comments(on: id)
            XCTAssertEqual(comments, ["Escalated.", "Escalated."])
            let created = rig.sandbox.calls.filter {
                $0.method == "POST" && $0.path == "/incidents"
            }
            XCTAssertEqual(created.count, 1, "no rule wants a second one")
        }
    }

    /// The corrected rule has its actions in another order, and another condition.
    func testAReplayRecognisesAnEffectUnderAChangedRule() async throws {
        let former = Rules.onIncident(
            "tell", when: Rules.event("escalate"), Rules.comment("Hello."),
            Rules.set("Nope__c", "x"))
        let corrected = Rules.onIncident(
            "tell",
            when: Rules.all(
                Rules.event("escalate"), Rules.condition("record.Subject", "equals", "Pay")),
            Rules.set("Status", "Working"), Rules.comment("Hello."))
        try await Rig.running(for: self, .init(rules: [former])) { rig in
            let (incident, id) = try await rig.linked("Case", ["Subject": "Pay"])
            try await rig.withWorker {
                try await rig.append(incident, 1)
                try await rig.untilQuiet()
            }
            let event = try await rig.onlyEvent("incident.escalated").job.event.id
            try await rig.configure([corrected])
            try await rig.withWorker {
                for _ in 1...2 { try await rig.replay([event]) }
            }
            let status = try await rig.record("Case", id)["Status"]
            XCTAssertEqual(status, "Working")
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments, ["Hello."])
            XCTAssertEqual(rig.changes("updated Case").count, 1)
        }
    }

    /// The note may exist already when its answer was lost and the attempts were used up.
    func testAReplayLooksForAnEffectWhoseAnswerWasLost() async throws {
        let rule = Rules.onIncident("tell", when: Rules.event("escalate"), Rules.note("Hello."))
        try await Rig.working(for: self, .init(rules: [rule]), limits: { $0.attemptsMax = 2 }) {
            rig in
            let incident = try await rig.trigger()
            for fault: JSON in [
                ["fault": "dropAfterEffect", "method": "POST"],
                ["fault": "status", "status": 500, "method": "GET"],
            ] {
                await rig.injectFault(fault.with("vendor", "pagerduty").with("path", "*notes*"))
            }
            try await rig.append(incident, 1)
            try await rig.untilQuiet()
            let event = try await rig.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.outcome.words, "failed: 500")
            let states = try await rig.effects().map(\.state)
            XCTAssertEqual(states, ["started"])

            try await rig.replay([event.job.event.id])
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Hello."])
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["failed: 500", "applied"])
        }
    }

    /// The write was left out in favour of a later one, which must stay.
    func testAReplayDoesNotMakeASupersededWrite() async throws {
        let rule = Rules.onIncident(
            "number", when: Rules.event("escalate"), Rules.setNumber)
        try await Rig.running(for: self, .init(rules: [rule])) { rig in
            let (incident, id) = try await rig.linked()
            await rig.sandbox.settled()
            try await rig.append((1...2).map { Rig.event(incident, $0) })
            try await rig.withWorker {
                try await rig.untilQuiet()
                XCTAssertEqual(rig.changes("updated Case").count, 1)
                try await rig.replay([EventID("\(incident)-1")])
            }
            let number = try await rig.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 2)
        }
    }

    /// The write of an earlier event waits to be folded when the replay is decided.
    func testAReplayReadsWhatEarlierEventsOfTheBacklogWrote() async throws {
        let rules = [
            Rules.onIncident(
                "work", when: Rules.event("acknowledge"), Rules.set("Status", "Working")),
            Rules.onIncident(
                "team", when: Rules.event("escalate"), Rules.set("Team__c", "{{record.Status}}")),
        ]
        try await Rig.running(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked()
            try await rig.withWorker {
                try await rig.append(incident, 1)
                try await rig.untilQuiet()
            }
            let original = try await rig.onlyEvent("incident.escalated")
            XCTAssertEqual(original.ending?.outcome.words, "failed: INVALID_FIELD")
            await rig.tell(
                "/_sandbox/salesforce/fields", ["object": "Case", "name": "Team__c"])
            try await rig.append(incident, 2, .acknowledged)
            _ = try await rig.store.replay(
                original.job.event.id, of: Rig.connection, nonce: "again")
            try await rig.withWorker { try await rig.untilQuiet() }
            let team = try await rig.record("Case", id)["Team__c"]
            XCTAssertEqual(team, "Working")
        }
    }

    func testAReplayDoesNotActOnIncidentsThatWereLinkedLater() async throws {
        let rule = Rules.onRecord(
            "tell", when: Rules.condition("record.Priority", "changedTo", "High"),
            Rules.note("Urgent."), Rules.set("Team__c", "On call"))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let (incident, id) = try await rig.linked()
            await rig.update("Case", id, ["Priority": "High"])
            try await rig.untilQuiet()
            let event = try await rig.onlyEvent("record.updated")
            XCTAssertEqual(event.ending?.outcome.words, "failed: INVALID_FIELD")
            let later = try await rig.trigger("Another one")
            try await rig.link(later, id)

            await rig.tell(
                "/_sandbox/salesforce/fields", ["object": "Case", "name": "Team__c"])
            try await rig.replay([event.job.event.id])
            let team = try await rig.record("Case", id)["Team__c"]
            XCTAssertEqual(team, "On call")
            let notes = [await rig.notes(on: incident), await rig.notes(on: later)]
            XCTAssertEqual(notes, [["Urgent."], []])
        }
    }

    /// The field may exist by now.
    func testAReplayReadsAFieldAgainThatCouldNotBeRead() async throws {
        let rule = Rules.onIncident(
            "tell",
            when: Rules.all(Rules.event("escalate"), Rules.condition("record.Team__c", "isNull")),
            Rules.comment("Who looks after this?"))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let (incident, id) = try await rig.linked()
            try await rig.append(incident, 1)
            try await rig.untilQuiet()
            let event = try await rig.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.outcome, .unmatched)

            await rig.tell(
                "/_sandbox/salesforce/fields", ["object": "Case", "name": "Team__c"])
            try await rig.replay([event.job.event.id])
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments, ["Who looks after this?"])
        }
    }
}

extension Rig {
    /// Replays the events as `console replay` does, and waits until the system is quiet.
    fileprivate func replay(_ events: [EventID], doing scope: ReplayScope = .rest) async throws {
        for event in events {
            _ = try await store.replay(
                event, of: Self.connection, doing: scope, nonce: UUID().uuidString)
        }
        try await store.notify()
        try await untilQuiet()
    }
}
