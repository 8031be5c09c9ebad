import JSON
import Models
import XCTest

/// Every action of the guide that the other tests do not come by, each on both of its sides: made
/// when it is due, left out when it is so already.
final class ActionTests: XCTestCase {
    func testPriority() async throws {
        try await check(["type": "setIncidentPriority", "priority": "PPRIO01"], "PPRIO01") {
            $0["priority"]?["id"]?.string
        }
    }

    func testReassignmentToUsers() async throws {
        try await check(["type": "reassignIncident", "users": ["PCLEO03"]], "PCLEO03") {
            $0["assignments"]?[0]?["assignee"]?["id"]?.string
        }
    }

    func testReassignmentToAPolicy() async throws {
        try await check(["type": "reassignIncident", "escalationPolicy": "PEPPLAT"], "PEPPLAT") {
            $0["escalation_policy"]?["id"]?.string
        }
    }

    func testAcknowledgement() async throws {
        try await check(["type": "acknowledgeIncident"], "acknowledged") { $0["status"]?.string }
    }

    func testResolution() async throws {
        let action: JSON = ["type": "resolveIncident", "resolution": "{{record.Subject}}: done"]
        try await check(action, "resolved") { $0["status"]?.string }
    }

    func testWorkflowAndResponsePlay() async throws {
        let rule = Rules.onRecord(
            "run", when: Rules.condition("record.Status", "changedTo", "Working"),
            ["type": "startIncidentWorkflow", "workflow": "PWFMAJR"],
            ["type": "runResponsePlay", "play": "PPLAY01"])
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.update("Case", id, ["Status": "Working"])
            try await bridge.quiet()
            XCTAssertEqual(bridge.changes("workflow "), ["workflow PWFMAJR on \(incident)"])
            XCTAssertEqual(
                bridge.changes("response_play "), ["response_play PPLAY01 on \(incident)"])
        }
    }

    /// Salesforce takes its names in any case, and so do rules.
    func testNamesInAnotherCase() async throws {
        let rules = [
            Rules.onIncident(
                "open", "case", when: Rules.event("trigger"),
                [
                    "type": "createRecord", "object": "case",
                    "fields": ["subject": "{{incident.title}}"],
                ]),
            Rules.onIncident(
                "tell", "CASE",
                when: [
                    "all": [
                        Rules.event("escalate"),
                        Rules.condition("record.subject", "contains", "down"),
                    ]
                ],
                Rules.set("status", "Escalated"), Rules.comment("Escalated.")),
        ]
        let mappings = [ObjectMapping(object: "cASE", syncNotes: true, syncComments: true)]
        try await Bridge.atWork(for: self, .init(rules: rules, mappings: mappings)) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.quiet()
            await bridge.inPagerDuty("escalate", incident)
            await bridge.inPagerDuty("note", incident, ["text": "Pump 3"])
            try await bridge.quiet()
            let cases = await bridge.records("Case")
            XCTAssertEqual(cases.map { $0["Status"] }, ["Escalated"])
            let comments = await bridge.records("CaseComment").compactMap {
                $0["CommentBody"]?.string?.split(separator: "\n").last
            }
            XCTAssertEqual(comments, ["Escalated.", "Pump 3"])
            let items = await bridge.records("FeedItem")
            XCTAssertEqual(items, [])
        }
    }

    /// A field that is cleared comes as null or not at all.
    func testAClearedFieldIsAChange() async throws {
        let rule = Rules.onRecord(
            "cleared", when: Rules.condition("record.Reason", "changedTo", .null),
            Rules.note("Cleared."))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let (incident, id) = try await bridge.linked(
                "Case", ["Subject": "Cannot pay", "Reason": "Performance"])
            await bridge.update("Case", id, ["Reason": .null])
            try await bridge.quiet()
            let old: JSON = [
                "attributes": ["type": "Case"], "Id": .string(id.long), "Reason": "Other",
            ]
            try await bridge.deliverApex([
                "object": "Case", "isInsert": false, "transactionId": "t1",
                "old": .object([id.long: old]),
                "new": .object([
                    id.long: ["attributes": ["type": "Case"], "Id": .string(id.long)]
                ]),
            ])
            try await bridge.quiet()
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Cleared.", "Cleared."])
        }
    }

    /// PagerDuty tells the note of a resolution before it or after it.
    func testAResolutionWithANote() async throws {
        let rule = Rules.onIncident(
            "resolved", when: Rules.event("resolve"), Rules.set("Status", "Closed"))
        let mapping = ObjectMapping(object: "Case", syncNotes: true)
        for isNoteFirst in [false, true] {
            let options = Bridge.Options(rules: [rule], mappings: [mapping])
            try await Bridge.atWork(for: self, options) { bridge in
                let (incident, id) = try await bridge.linked()
                await bridge.inPagerDuty(
                    "resolve", incident, ["note": "New disk", "noteFirst": .bool(isNoteFirst)])
                try await bridge.quiet()
                let status = try await bridge.record("Case", id)["Status"]
                XCTAssertEqual(status, "Closed")
                let comments = await bridge.comments(on: id)
                XCTAssertEqual(comments.count, 1)
                XCTAssertTrue(comments[0].hasSuffix("Resolution Note: New disk"), comments[0])
            }
        }
    }

    /// The action is made once, and not again when the case asks for it a second time; nor does its
    /// echo do anything.
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
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            try await bridge.quiet()
            let before = bridge.changes().count
            for priority in ["High", "Low"] {
                await bridge.update("Case", id, ["Priority": .string(priority)])
                try await bridge.quiet()
                let now = look(await bridge.incident(incident))
                XCTAssertEqual(now, expected, line: line)
            }
            let kinds = Set(bridge.changes().dropFirst(before))
            XCTAssertEqual(kinds.filter { !$0.hasSuffix(incident.rawValue) }, [], line: line)
            let puts = bridge.sandbox.calls.filter { $0.method == "PUT" }
            XCTAssertEqual(puts.count, 1, line: line)
            let failed = try await bridge.outcomes().filter { $0.hasPrefix("failed") }
            XCTAssertEqual(failed, [], line: line)
        }
    }
}
