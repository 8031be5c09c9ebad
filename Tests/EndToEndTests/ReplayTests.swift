import Foundation
import JSON
import Models
import Store
import XCTest

@testable import Worker

/// What an operator's replay does again, and what it leaves alone.
final class ReplayTests: XCTestCase {
    /// The first action was performed, the second refused until somebody mends it.
    func testAReplayDoesWhatIsLeft() async throws {
        let rules = [
            Rules.onIncident(
                "team", when: Rules.event("escalate"), Rules.comment("Escalated."),
                Rules.set("Team__c", "{{incident.title}}")),
            Rules.onRecord(
                "page",
                when: [
                    "all": [
                        Rules.condition("record.Priority", "changedTo", "High"),
                        Rules.condition("link.incidents", "hasNoLinkedIncident"),
                    ]
                ], Rules.createIncident, Rules.set("Team__c", "{{incident.title}}")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            try await bridge.append(incident, 1, .escalated, title: "Storefront")
            let other = try await bridge.create("Case", ["Subject": "Cannot log in"])
            await bridge.update("Case", other, ["Priority": "High"])
            try await bridge.quiet()
            let failed = try await bridge.events().filter {
                if case .failed = $0.ending?.outcome { true } else { false }
            }.map(\.job.event.id)
            XCTAssertEqual(failed.count, 2)

            await bridge.tell(
                "/_sandbox/salesforce/fields", ["object": "Case", "name": "Team__c"])
            try await bridge.replay(failed)
            let teams = [
                try await bridge.record("Case", id)["Team__c"],
                try await bridge.record("Case", other)["Team__c"],
            ]
            XCTAssertEqual(teams, ["Storefront", "Case: Cannot log in"])
            try await bridge.replay(failed)
            var comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, ["Escalated."])
            try await bridge.replay(failed, doing: .all)
            comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, ["Escalated.", "Escalated."])
            let created = bridge.sandbox.calls.filter {
                $0.method == "POST" && $0.path == "/incidents"
            }
            XCTAssertEqual(created.count, 1, "no rule wants a second one")
        }
    }

    /// The mended rule has its actions in another order and another condition.
    func testAReplayKnowsWhatWasDoneByItsWords() async throws {
        let broken = Rules.onIncident(
            "tell", when: Rules.event("escalate"), Rules.comment("Hello."),
            Rules.set("Nope__c", "x"))
        let mended = Rules.onIncident(
            "tell",
            when: [
                "all": [
                    Rules.event("escalate"), Rules.condition("record.Subject", "equals", "Pay"),
                ]
            ], Rules.set("Status", "Working"), Rules.comment("Hello."))
        try await Bridge.open(for: self, .init(rules: [broken])) { bridge in
            let (incident, id) = try await bridge.linked("Case", ["Subject": "Pay"])
            try await bridge.withWorker {
                try await bridge.append(incident, 1)
                try await bridge.quiet()
            }
            let event = try await bridge.onlyEvent("incident.escalated").job.event.id
            try await bridge.configure([mended])
            try await bridge.withWorker {
                for _ in 1...2 { try await bridge.replay([event]) }
            }
            let status = try await bridge.record("Case", id)["Status"]
            XCTAssertEqual(status, "Working")
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, ["Hello."])
            XCTAssertEqual(bridge.changes("updated Case").count, 1)
        }
    }

    /// A note may stand there already when its answer was lost and the attempts were over.
    func testWhereAnAnswerWasLostAReplayLooksFirst() async throws {
        let rule = Rules.onIncident("tell", when: Rules.event("escalate"), Rules.note("Hello."))
        try await Bridge.atWork(for: self, .init(rules: [rule]), limits: { $0.attemptsMax = 2 }) {
            bridge in
            let incident = try await bridge.trigger()
            for fault: JSON in [
                ["fault": "dropAfterEffect", "method": "POST"],
                ["fault": "status", "status": 500, "method": "GET"],
            ] {
                await bridge.order(fault.with("vendor", "pagerduty").with("path", "*notes*"))
            }
            try await bridge.append(incident, 1)
            try await bridge.quiet()
            let event = try await bridge.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.outcome.words, "failed: 500")
            let states = try await bridge.effects().map(\.state)
            XCTAssertEqual(states, ["started"])

            try await bridge.replay([event.job.event.id])
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Hello."])
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["failed: 500", "applied"])
        }
    }

    /// It was left out in favour of a later one, which must stay.
    func testAWriteThatWasSupersededStaysLeftOut() async throws {
        let rule = Rules.onIncident(
            "number", when: Rules.event("escalate"), Rules.setNumber)
        try await Bridge.open(for: self, .init(rules: [rule])) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.sandbox.settled()
            try await bridge.append((1...2).map { Bridge.event(incident, $0) })
            try await bridge.withWorker {
                try await bridge.quiet()
                XCTAssertEqual(bridge.changes("updated Case").count, 1)
                try await bridge.replay([EventID("\(incident)-1")])
            }
            let number = try await bridge.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 2)
        }
    }

    func testItDoesNotActOnWhatWasLinkedLater() async throws {
        let rule = Rules.onRecord(
            "tell", when: Rules.condition("record.Priority", "changedTo", "High"),
            Rules.note("Urgent."), Rules.set("Team__c", "On call"))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.update("Case", id, ["Priority": "High"])
            try await bridge.quiet()
            let event = try await bridge.onlyEvent("record.updated")
            XCTAssertEqual(event.ending?.outcome.words, "failed: INVALID_FIELD")
            let later = try await bridge.trigger("Another one")
            try await bridge.link(later, id)

            await bridge.tell(
                "/_sandbox/salesforce/fields", ["object": "Case", "name": "Team__c"])
            try await bridge.replay([event.job.event.id])
            let team = try await bridge.record("Case", id)["Team__c"]
            XCTAssertEqual(team, "On call")
            let notes = [await bridge.notes(on: incident), await bridge.notes(on: later)]
            XCTAssertEqual(notes, [["Urgent."], []])
        }
    }

    /// Whoever replays has probably mended something.
    func testAFieldThatCouldNotBeReadIsAskedForAfresh() async throws {
        let rule = Rules.onIncident(
            "tell",
            when: [
                "all": [
                    Rules.event("escalate"), Rules.condition("record.Team__c", "isNull"),
                ]
            ], Rules.comment("Who looks after this?"))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let (incident, id) = try await bridge.linked()
            try await bridge.append(incident, 1)
            try await bridge.quiet()
            let event = try await bridge.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.outcome, .unmatched)

            await bridge.tell(
                "/_sandbox/salesforce/fields", ["object": "Case", "name": "Team__c"])
            try await bridge.replay([event.job.event.id])
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, ["Who looks after this?"])
        }
    }
}

extension Bridge {
    /// As `console replay` does, and waits until it is done.
    fileprivate func replay(_ events: [EventID], doing replay: Replay = .rest) async throws {
        for event in events {
            _ = try await store.replay(
                event, of: Self.connection, doing: replay, nonce: UUID().uuidString)
        }
        try await store.notify()
        try await quiet()
    }
}
