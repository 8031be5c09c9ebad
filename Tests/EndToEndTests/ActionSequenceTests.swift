import JSON
import Models
import XCTest

/// Actions of one event that depend on each other. One may change the data on which the rule was
/// judged, or create the incident or record that the next one is about.
final class ActionSequenceTests: XCTestCase {
    private static let urgent = Rules.condition("record.Priority", "changedTo", "High")

    /// Rules whose first action makes their own condition false.
    private static let changingTheirCondition = [
        Rules.onIncident(
            "resolved",
            when: Rules.all(
                Rules.event("resolve"),
                Rules.condition("record.Status", "notEquals", "Closed")),
            Rules.set("Status", "Closed"), Rules.comment("Resolved.")),
        Rules.onRecord(
            "page",
            when: Rules.all(urgent, Rules.condition("link.incidents", "hasNoLinkedIncident")),
            Rules.createIncident, Rules.comment("Paged.")),
    ]

    /// The first action makes the condition false, and the second is due nevertheless.
    func testTheRuleIsNotJudgedAgainAfterItsFirstAction() async throws {
        try await Rig.working(for: self, .init(rules: Self.changingTheirCondition)) { rig in
            func failOneComment() async {
                await rig.injectFault([
                    "vendor": "salesforce", "fault": "lockRow", "method": "POST",
                    "path": "*CaseComment*", "times": 1,
                ])
            }
            let (incident, id) = try await rig.linked()
            await failOneComment()
            await rig.inPagerDuty("resolve", incident)
            try await rig.untilQuiet()
            let closed = await rig.comments(on: id)
            XCTAssertEqual(closed, ["Resolved."])

            let other = try await rig.create("Case", ["Subject": "Cannot log in"])
            await failOneComment()
            await rig.update("Case", other, ["Priority": "High"])
            try await rig.untilQuiet()
            let paged = await rig.comments(on: other)
            XCTAssertEqual(paged, ["Paged."])
            let resolved = try await rig.outcomes("incident.resolved")
            let escalated = try await rig.outcomes("record.updated").last
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
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let id = try await rig.create(
                "Case", ["Subject": "Cannot pay", "PagerDuty_Incident_Number__c": 1])
            await rig.update("Case", id, ["Priority": "High"])
            try await rig.untilQuiet()
            let (incident, told) = try await rig.onlyIncident()
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Called Cannot pay."])
            let priority = await rig.incident(incident)["priority"]?["id"]
            XCTAssertEqual(priority, "PPRIO01")
            XCTAssertEqual(rig.changes("workflow "), ["workflow PWFMAJR on \(incident)"])
            let number = try await rig.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, told["incident_number"])
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments, ["Incident Case: Cannot pay was opened"])
            let outcomes = try await rig.outcomes("record.updated").first
            XCTAssertEqual(outcomes, "applied")
        }
    }

    func testActionsBeforeTheCreationAreNotAboutTheNewIncident() async throws {
        let rules = [
            Rules.onRecord("before", when: Self.urgent, Rules.note("Before.")),
            Rules.onRecord(
                "page", when: Self.urgent, ["type": "resolveIncident"], Rules.note("First."),
                Rules.createIncident),
            Rules.onRecord("after", when: Self.urgent, Rules.note("After.")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let id = try await rig.create("Case", ["Subject": "Cannot pay"])
            await rig.update("Case", id, ["Priority": "High"])
            try await rig.untilQuiet()
            let (incident, told) = try await rig.onlyIncident()
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["After."])
            XCTAssertEqual(told["status"], "triggered")
        }
    }

    func testALaterAttemptContinuesAfterTheCreation() async throws {
        let rule = Rules.onRecord(
            "page", when: Self.urgent, Rules.createIncident, Rules.note("Called."),
            Rules.comment("Incident {{incident.number}}"))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            await rig.injectFault([
                "vendor": "pagerduty", "fault": "status", "status": 503, "method": "POST",
                "path": "*notes*", "times": 1,
            ])
            let id = try await rig.create("Case", ["Subject": "Cannot pay"])
            await rig.update("Case", id, ["Priority": "High"])
            try await rig.untilQuiet()
            let (incident, told) = try await rig.onlyIncident()
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Called."])
            let comments = await rig.comments(on: id)
            let number = try XCTUnwrap(told["incident_number"]?.text)
            XCTAssertEqual(comments, ["Incident \(number)"])
        }
    }

    func testTemplatesDoNotReadANewRecordOfAnotherObject() async throws {
        let rule = Rules.onIncident(
            "open", when: Rules.event("trigger"),
            [
                "type": "createRecord", "object": "Outage__c",
                "fields": ["Name": "{{incident.title}} {{record.Subject | default: 'no case'}}"],
            ], Rules.note("Noted."), Rules.comment("Never."))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let incident = try await rig.trigger("Checkout is down")
            try await rig.untilQuiet()
            let names = await rig.records("Outage__c").compactMap { $0["Name"]?.string }
            XCTAssertEqual(names, ["Checkout is down no case"])
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Noted."])
            let outcomes = try await rig.outcomes("incident.triggered")
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
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            _ = try await rig.trigger("Checkout is down")
            try await rig.untilQuiet()
            let cases = rig.sandbox.calls.filter {
                $0.method == "POST" && $0.path.hasSuffix("/sobjects/Case")
            }
            XCTAssertEqual(cases.count, 1)
            let incident = try await rig.onlyIncident().id
            let links = try await rig.store.links(incident: incident, in: Rig.connection)
            let record = try XCTUnwrap(links.first?.record)
            let priority = try await rig.record("Case", record)["Priority"]
            XCTAssertEqual(priority, "High")
            let comments = await rig.comments(on: record)
            XCTAssertEqual(comments, ["From PagerDuty: Checkout is down"])
            XCTAssertEqual(rig.changes("updated Case"), [], "it was created with its fields")
        }
    }

    /// A case must not say that a responder is paged while there is no incident.
    func testActionsAboutAnIncidentThatWasNotCreatedAreLeftOut() async throws {
        let rules = [
            Rules.onRecord(
                "page", when: Self.urgent,
                [
                    "type": "createIncident", "service": "PNOWHERE", "title": "{{record.Subject}}",
                ], Rules.setNumber,
                Rules.comment("Paged.")),
            Rules.onRecord("other", when: Self.urgent, Rules.comment("It is urgent.")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let id = try await rig.create(
                "Case", ["Subject": "Cannot pay", "PagerDuty_Incident_Number__c": 1])
            await rig.update("Case", id, ["Priority": "High"])
            try await rig.untilQuiet()
            let number = try await rig.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 1)
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments, ["It is urgent."])
            let outcome = try await rig.outcomes("record.updated").first
            XCTAssertEqual(outcome?.hasPrefix("failed"), true, outcome ?? "none")
        }
    }
}
