import JSON
import Models
import XCTest

/// Actions that no other test covers. Each is made when it is due, and left out when its result is
/// there already.
final class ActionTests: XCTestCase {
    func testSetPriority() async throws {
        try await check(["type": "setIncidentPriority", "priority": "PPRIO01"], "PPRIO01") {
            $0["priority"]?["id"]?.string
        }
    }

    func testReassignToUsers() async throws {
        try await check(["type": "reassignIncident", "users": ["PCLEO03"]], "PCLEO03") {
            $0["assignments"]?[0]?["assignee"]?["id"]?.string
        }
    }

    func testReassignToAPolicy() async throws {
        try await check(["type": "reassignIncident", "escalationPolicy": "PEPPLAT"], "PEPPLAT") {
            $0["escalation_policy"]?["id"]?.string
        }
    }

    func testAcknowledge() async throws {
        try await check(["type": "acknowledgeIncident"], "acknowledged") { $0["status"]?.string }
    }

    func testResolve() async throws {
        let action: JSON = ["type": "resolveIncident", "resolution": "{{record.Subject}}: done"]
        try await check(action, "resolved") { $0["status"]?.string }
    }

    func testStartWorkflowAndResponsePlay() async throws {
        let rule = Rules.onRecord(
            "run", when: Rules.condition("record.Status", "changedTo", "Working"),
            ["type": "startIncidentWorkflow", "workflow": "PWFMAJR"],
            ["type": "runResponsePlay", "play": "PPLAY01"])
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let (incident, id) = try await rig.linked()
            await rig.update("Case", id, ["Status": "Working"])
            try await rig.untilQuiet()
            XCTAssertEqual(rig.changes("workflow "), ["workflow PWFMAJR on \(incident)"])
            XCTAssertEqual(
                rig.changes("response_play "), ["response_play PPLAY01 on \(incident)"])
        }
    }

    /// Salesforce accepts its names in any case, and so do rules.
    func testNamesMatchInAnyCase() async throws {
        let rules = [
            Rules.onIncident(
                "open", "case", when: Rules.event("trigger"),
                [
                    "type": "createRecord", "object": "case",
                    "fields": ["subject": "{{incident.title}}"],
                ]),
            Rules.onIncident(
                "tell", "CASE",
                when: Rules.all(
                    Rules.event("escalate"),
                    Rules.condition("record.subject", "contains", "down")),
                Rules.set("status", "Escalated"), Rules.comment("Escalated.")),
        ]
        let mappings = [ObjectMapping(object: "cASE", syncNotes: true, syncComments: true)]
        try await Rig.working(for: self, .init(rules: rules, mappings: mappings)) { rig in
            let incident = try await rig.trigger()
            try await rig.untilQuiet()
            await rig.inPagerDuty("escalate", incident)
            await rig.inPagerDuty("note", incident, ["text": "Pump 3"])
            try await rig.untilQuiet()
            let cases = await rig.records("Case")
            XCTAssertEqual(cases.map { $0["Status"] }, ["Escalated"])
            let comments = await rig.records("CaseComment").compactMap {
                $0["CommentBody"]?.string?.split(separator: "\n").last
            }
            XCTAssertEqual(comments, ["Escalated.", "Pump 3"])
            let items = await rig.records("FeedItem")
            XCTAssertEqual(items, [])
        }
    }

    /// The delivery holds null for a cleared field, or leaves it out.
    func testAClearedFieldIsAChange() async throws {
        let rule = Rules.onRecord(
            "cleared", when: Rules.condition("record.Reason", "changedTo", .null),
            Rules.note("Cleared."))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let (incident, id) = try await rig.linked(
                "Case", ["Subject": "Cannot pay", "Reason": "Performance"])
            await rig.update("Case", id, ["Reason": .null])
            try await rig.untilQuiet()
            let old: JSON = [
                "attributes": ["type": "Case"], "Id": .string(id.long), "Reason": "Other",
            ]
            try await rig.deliverApex([
                "object": "Case", "isInsert": false, "transactionId": "t1",
                "old": .object([id.long: old]),
                "new": .object([
                    id.long: ["attributes": ["type": "Case"], "Id": .string(id.long)]
                ]),
            ])
            try await rig.untilQuiet()
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Cleared.", "Cleared."])
        }
    }

    /// PagerDuty delivers the note of a resolution before the resolution or after it.
    func testAResolutionWithANoteMakesOneComment() async throws {
        let rule = Rules.onIncident(
            "resolved", when: Rules.event("resolve"), Rules.set("Status", "Closed"))
        let mapping = ObjectMapping(object: "Case", syncNotes: true)
        for isNoteFirst in [false, true] {
            let options = Rig.Options(rules: [rule], mappings: [mapping])
            try await Rig.working(for: self, options) { rig in
                let (incident, id) = try await rig.linked()
                await rig.inPagerDuty(
                    "resolve", incident, ["note": "New disk", "noteFirst": .bool(isNoteFirst)])
                try await rig.untilQuiet()
                let status = try await rig.record("Case", id)["Status"]
                XCTAssertEqual(status, "Closed")
                let comments = await rig.comments(on: id)
                XCTAssertEqual(comments.count, 1)
                XCTAssertTrue(comments[0].hasSuffix("Resolution Note: New disk"), comments[0])
            }
        }
    }

    /// Checks that the action is made once, although the case asks for it twice, and that its echo
    /// fires no rule.
    private func check(
        _ action: JSON, _ expected: String, line: UInt = #line, _ look: (JSON) -> String?
    ) async throws {
        let rules = [
            Rules.onRecord(
                "act", when: Rules.condition("record.Priority", "changed"), action),
            Rules.onIncident(
                "echo",
                when: [
                    "none": [
                        Rules.condition(
                            "incident.eventType", "isOneOf", ["trigger", "annotate"])
                    ]
                ], Rules.comment("{{incident.eventType}}")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked()
            try await rig.untilQuiet()
            let before = rig.changes().count
            for priority in ["High", "Low"] {
                await rig.update("Case", id, ["Priority": .string(priority)])
                try await rig.untilQuiet()
                let now = look(await rig.incident(incident))
                XCTAssertEqual(now, expected, line: line)
            }
            let kinds = Set(rig.changes().dropFirst(before))
            XCTAssertEqual(kinds.filter { !$0.hasSuffix(incident.rawValue) }, [], line: line)
            let puts = rig.sandbox.calls.filter { $0.method == "PUT" }
            XCTAssertEqual(puts.count, 1, line: line)
            let failed = try await rig.outcomes().filter { $0.hasPrefix("failed") }
            XCTAssertEqual(failed, [], line: line)
        }
    }
}
