import JSON
import Models
import XCTest

/// What the actions of a rule are to each other: one may change what the rule was judged on, or
/// bring into being what the next is about.
final class SequenceTests: XCTestCase {
    private static let urgent = Rules.condition("record.Priority", "changedTo", "High")

    /// The first action makes the condition untrue; the second is due all the same.
    func testWhatTheFirstActionChangesIsNotJudgedAgain() async throws {
        let rules = [
            Rules.onIncident(
                "resolved",
                when: [
                    "all": [
                        Rules.event("resolve"),
                        Rules.condition("record.Status", "notEquals", "Closed"),
                    ]
                ], Rules.set("Status", "Closed"), Rules.comment("Resolved.")),
            Rules.onRecord(
                "page",
                when: [
                    "all": [
                        Self.urgent, Rules.condition("link.incidents", "hasNoLinkedIncident"),
                    ]
                ], Rules.createIncident, Rules.comment("Paged.")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            func failOneComment() async {
                await bridge.order([
                    "vendor": "salesforce", "fault": "lockRow", "method": "POST",
                    "path": "*CaseComment*", "times": 1,
                ])
            }
            let (incident, id) = try await bridge.linked()
            await failOneComment()
            await bridge.inPagerDuty("resolve", incident)
            try await bridge.quiet()
            let closed = await bridge.comments(on: id)
            XCTAssertEqual(closed, ["Resolved."])

            let other = try await bridge.create("Case", ["Subject": "Cannot log in"])
            await failOneComment()
            await bridge.update("Case", other, ["Priority": "High"])
            try await bridge.quiet()
            let paged = await bridge.comments(on: other)
            XCTAssertEqual(paged, ["Paged."])
            let resolved = try await bridge.outcomes("incident.resolved")
            let escalated = try await bridge.outcomes("record.updated").last
            XCTAssertEqual(resolved + [escalated], ["applied", "applied"])
        }
    }

    func testActionsAfterCreateIncidentAreAboutTheNewOne() async throws {
        let rule = Rules.onRecord(
            "page", when: Self.urgent, Rules.createIncident,
            Rules.note("Called {{record.Subject}}."),
            ["type": "setIncidentPriority", "priority": "PPRIO01"],
            ["type": "startIncidentWorkflow", "workflow": "PWFMAJR"],
            Rules.setNumber,
            Rules.comment("Incident {{incident.title}} was opened"))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let id = try await bridge.create(
                "Case", ["Subject": "Cannot pay", "PagerDuty_Incident_Number__c": 1])
            await bridge.update("Case", id, ["Priority": "High"])
            try await bridge.quiet()
            let (incident, told) = try await bridge.onlyIncident()
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Called Cannot pay."])
            let priority = await bridge.incident(incident)["priority"]?["id"]
            XCTAssertEqual(priority, "PPRIO01")
            XCTAssertEqual(bridge.changes("workflow "), ["workflow PWFMAJR on \(incident)"])
            let number = try await bridge.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, told["incident_number"])
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, ["Incident Case: Cannot pay was opened"])
            let outcomes = try await bridge.outcomes("record.updated").first
            XCTAssertEqual(outcomes, "applied")
        }
    }

    func testWhatComesBeforeTheCreationHasHadItsTurn() async throws {
        let rules = [
            Rules.onRecord("before", when: Self.urgent, Rules.note("Before.")),
            Rules.onRecord(
                "page", when: Self.urgent, ["type": "resolveIncident"], Rules.note("First."),
                Rules.createIncident),
            Rules.onRecord("after", when: Self.urgent, Rules.note("After.")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let id = try await bridge.create("Case", ["Subject": "Cannot pay"])
            await bridge.update("Case", id, ["Priority": "High"])
            try await bridge.quiet()
            let (incident, told) = try await bridge.onlyIncident()
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["After."])
            XCTAssertEqual(told["status"], "triggered")
        }
    }

    /// An attempt that comes after the creation knows of it.
    func testALaterAttemptGoesOnAfterTheCreation() async throws {
        let rule = Rules.onRecord(
            "page", when: Self.urgent, Rules.createIncident, Rules.note("Called."),
            Rules.comment("Incident {{incident.number}}"))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            await bridge.order([
                "vendor": "pagerduty", "fault": "status", "status": 503, "method": "POST",
                "path": "*notes*", "times": 1,
            ])
            let id = try await bridge.create("Case", ["Subject": "Cannot pay"])
            await bridge.update("Case", id, ["Priority": "High"])
            try await bridge.quiet()
            let (incident, told) = try await bridge.onlyIncident()
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Called."])
            let comments = await bridge.comments(on: id)
            let number = try XCTUnwrap(told["incident_number"]?.text)
            XCTAssertEqual(comments, ["Incident \(number)"])
        }
    }

    /// A record of another object than the rule's is none that its templates speak of.
    func testARecordOfAnotherObjectIsNotTheRules() async throws {
        let rule = Rules.onIncident(
            "open", when: Rules.event("trigger"),
            [
                "type": "createRecord", "object": "Outage__c",
                "fields": ["Name": "{{incident.title}} {{record.Subject | default: 'no case'}}"],
            ], Rules.note("Noted."), Rules.comment("Never."))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let incident = try await bridge.trigger("Checkout is down")
            try await bridge.quiet()
            let names = await bridge.records("Outage__c").compactMap { $0["Name"]?.string }
            XCTAssertEqual(names, ["Checkout is down no case"])
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Noted."])
            let outcomes = try await bridge.outcomes("incident.triggered")
            XCTAssertEqual(outcomes, ["applied"])
        }
    }

    func testActionsAfterCreateRecordAreAboutTheNewOne() async throws {
        let rule = Rules.onIncident(
            "open", when: Rules.event("trigger"),
            [
                "type": "createRecord", "object": "Case",
                "fields": ["Subject": "{{incident.title}}"],
            ], Rules.set("Priority", "High"), Rules.comment("From PagerDuty: {{record.Subject}}"))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            _ = try await bridge.trigger("Checkout is down")
            try await bridge.quiet()
            let cases = bridge.sandbox.calls.filter {
                $0.method == "POST" && $0.path.hasSuffix("/sobjects/Case")
            }
            XCTAssertEqual(cases.count, 1)
            let incident = try await bridge.onlyIncident().id
            let links = try await bridge.store.links(incident: incident, in: Bridge.connection)
            let record = try XCTUnwrap(links.first?.record)
            let priority = try await bridge.record("Case", record)["Priority"]
            XCTAssertEqual(priority, "High")
            let comments = await bridge.comments(on: record)
            XCTAssertEqual(comments, ["From PagerDuty: Checkout is down"])
            XCTAssertEqual(bridge.changes("updated Case"), [], "it was created with its fields")
        }
    }

    /// A case that says that somebody is paged, while nobody is, would be worse than none.
    func testWithoutTheIncidentNothingIsSaidOfIt() async throws {
        let rules = [
            Rules.onRecord(
                "page", when: Self.urgent,
                [
                    "type": "createIncident", "service": "PNOWHERE", "title": "{{record.Subject}}",
                ], Rules.setNumber,
                Rules.comment("Paged.")),
            Rules.onRecord("other", when: Self.urgent, Rules.comment("It is urgent.")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let id = try await bridge.create(
                "Case", ["Subject": "Cannot pay", "PagerDuty_Incident_Number__c": 1])
            await bridge.update("Case", id, ["Priority": "High"])
            try await bridge.quiet()
            let number = try await bridge.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 1)
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, ["It is urgent."])
            let outcome = try await bridge.outcomes("record.updated").first
            XCTAssertEqual(outcome?.hasPrefix("failed"), true, outcome ?? "none")
        }
    }
}
