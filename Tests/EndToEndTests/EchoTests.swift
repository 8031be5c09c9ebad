import JSON
import Models
import Sandbox
import XCTest

@testable import Worker

/// What Liaison did itself comes back as an event, and must not be taken for somebody else's doing.
final class EchoTests: XCTestCase {
    func testAnEchoFiresNoRuleButAnotherFieldOfTheSameChangeDoes() async throws {
        let rules = [
            Rules.onIncident(
                "resolved", when: Rules.event("resolve"), Rules.set("Status", "Closed")),
            Rules.onRecord(
                "status", when: Rules.condition("record.Status", "changedTo", "Closed"),
                Rules.note("Status")),
            Rules.onRecord(
                "priority", when: Rules.condition("record.Priority", "changedTo", "High"),
                Rules.note("Priority")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.inPagerDuty("resolve", incident)
            try await bridge.quiet()
            try await bridge.checkNotes([], on: incident)

            // Vendors tell a change twice now and then, each time under another id.
            let us = try await bridge.user(SandboxOptions().salesforce.username)
            let change: JSON = ["Status": ["New", "Closed"]]
            try await bridge.deliverApex(.apexChange(of: id, change, by: us, "again"))
            try await bridge.quiet()
            try await bridge.checkNotes([], on: incident)

            // A flow changed another field in the same transaction.
            let more: JSON = ["Status": ["New", "Closed"], "Priority": ["Medium", "High"]]
            try await bridge.deliverApex(.apexChange(of: id, more, by: us, "more"))
            try await bridge.quiet()
            try await bridge.checkNotes(["Priority"], on: incident)

            // A person does what we did a while ago.
            let person = try await bridge.user("mira@sandbox.example")
            try await bridge.deliverApex(.apexChange(of: id, change, by: person, "person"))
            try await bridge.quiet()
            try await bridge.checkNotes(["Priority", "Status"], on: incident)
        }
    }

    func testAnAcknowledgeOrResolveOfOursFiresNoRule() async throws {
        let rules = [
            Rules.mainJob[1], Rules.mainJob[2],
            Rules.onIncident("any", when: ["always": true], Rules.comment("Somebody did it.")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            try await bridge.quiet()
            let before = await bridge.comments(on: id)
            for status in ["Working", "Closed"] {
                await bridge.update("Case", id, ["Status": .string(status)])
                try await bridge.quiet()
            }
            let present = await bridge.incident(incident)["status"]
            XCTAssertEqual(present, "resolved")
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, before)
            for kind in ["incident.acknowledged", "incident.resolved"] {
                let outcomes = try await bridge.outcomes(kind)
                XCTAssertEqual(outcomes, ["ignored: it repeats what Liaison wrote"], kind)
            }
        }
    }

    /// Our user does not, however lately we did the same.
    func testWhatSomebodyElseRepeatsInPagerDutyIsNoEcho() async throws {
        let rules = [
            Rules.mainJob[1],
            Rules.onIncident(
                "show", when: ["always": true],
                Rules.set("PagerDuty_Status__c", "{{incident.status}}")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.update("Case", id, ["Status": "Closed"])
            try await bridge.quiet()
            for what in ["reopen", "resolve"] {
                await bridge.inPagerDuty(what, incident)
                try await bridge.quiet()
            }
            let status = try await bridge.record("Case", id)["PagerDuty_Status__c"]
            XCTAssertEqual(status, "resolved")
            let outcomes = try await bridge.outcomes("incident.resolved")
            XCTAssertEqual(outcomes, ["ignored: it repeats what Liaison wrote", "applied"])
        }
    }

    /// PagerDuty may not tell who our user is.
    func testWithoutOurUsersNameTheJournalAloneTells() async throws {
        try await Bridge.atWork(for: self, .init(rules: Rules.mainJob)) { bridge in
            await bridge.order([
                "vendor": "pagerduty", "fault": "status", "status": 403, "path": "/users*",
                "times": 9,
            ])
            for _ in 1...2 {
                let (_, id) = try await bridge.linked()
                await bridge.update("Case", id, ["Status": "Closed"])
                try await bridge.quiet()
            }
            let outcomes = try await bridge.outcomes("incident.resolved")
            XCTAssertEqual(
                outcomes, Array(repeating: "ignored: it repeats what Liaison wrote", count: 2))
            let asked = bridge.sandbox.calls.filter { $0.path == "/users" }
            XCTAssertEqual(asked.map(\.status), [403], "once is enough")
        }
    }

    /// It tells no old values, but who saved the record.
    func testAnOutboundMessageOfOurOwnSaveFiresNoRule() async throws {
        let rules = [
            Rules.onRecord(
                "impact", "Outage__c", when: Rules.condition("record.Phase__c", "equals", "Open"),
                Rules.set("Impact__c", "seen"))
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            await bridge.sandbox.control("DELETE", "/_sandbox/salesforce/targets")
            await bridge.tell(
                "/_sandbox/salesforce/outbound",
                [
                    "url": .string(
                        "\(bridge.ingestURL)/salesforce/acme/outbound/\(Bridge.outboundToken)"),
                    "object": "Outage__c",
                    "fields": ["Name", "Phase__c", "Impact__c", "LastModifiedById"],
                ])
            let id = try await bridge.create("Outage__c", ["Name": "Down", "Phase__c": "Open"])
            try await bridge.quiet()
            let impact = try await bridge.record("Outage__c", id)["Impact__c"]
            XCTAssertEqual(impact, "seen")
            let outcomes = try await bridge.outcomes("record.updated")
            XCTAssertEqual(outcomes.filter { $0 == "applied" }.count, 1, "\(outcomes)")
            XCTAssertEqual(bridge.changes("updated Outage__c").count, 1)
        }
    }

    func testNotesAndCommentsAreCopiedOnceEach() async throws {
        try await Bridge.atWork(for: self, .mirroring) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.inPagerDuty("note", incident, ["text": "Pump 3 is down"])
            try await bridge.quiet()
            _ = try await bridge.create(
                "CaseComment",
                ["ParentId": .string(id.long), "CommentBody": "The customer called"])
            try await bridge.quiet()
            let notes = await bridge.notes(on: incident)
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(notes.count, 2, "\(notes)")
            XCTAssertEqual(comments.count, 2, "\(comments)")
            XCTAssertTrue(notes[1].hasSuffix("]\nThe customer called"), notes[1])
            XCTAssertTrue(comments[0].hasSuffix(" by Ada Quill]\nPump 3 is down"), comments[0])
        }
    }

    /// People repeat themselves: two notes are two comments.
    func testTheSameWordsTwiceAreTwo() async throws {
        try await Bridge.atWork(for: self, .mirroring) { bridge in
            let (incident, id) = try await bridge.linked()
            for _ in 1...2 {
                await bridge.inPagerDuty("note", incident, ["text": "Still down"])
                _ = try await bridge.create(
                    "CaseComment", ["ParentId": .string(id.long), "CommentBody": "Any news?"])
                try await bridge.quiet()
            }
            let notes = await bridge.notes(on: incident)
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(notes.filter { $0.hasSuffix("Any news?") }.count, 2)
            XCTAssertEqual(comments.filter { $0.hasSuffix("Still down") }.count, 2)
            XCTAssertEqual(notes.count + comments.count, 8)
        }
    }

    /// A case comment holds 4,000 bytes of UTF-8; a webhook 20,000 characters of a note.
    func testTextsOfAllKindsArriveOnce() async throws {
        let texts = [
            "=1+1", "a\r\nb", "  around  ", "🚒 Zahlung hängt", "<b>&amp;</b>",
            String(repeating: "é", count: 2000), String(repeating: "é", count: 2001),
            "!" + String(repeating: "🚒", count: 1000), String(repeating: "long ", count: 5000),
        ]
        try await Bridge.atWork(for: self, .mirroring) { bridge in
            let (incident, id) = try await bridge.linked()
            for text in texts {
                await bridge.inPagerDuty("note", incident, ["text": .string(text)])
            }
            try await bridge.quiet()
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments.count, texts.count)
            for text in texts {
                let start = String(text.prefix(200))
                XCTAssertTrue(comments.contains { $0.contains(start) }, start)
            }
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes.count, texts.count, "nothing came back")
        }
    }

    /// Somebody undoes each time what the rule does.
    func testATugOfWarEndsAtTheFuse() async throws {
        let rule = Rules.onRecord(
            "high", when: Rules.condition("record.Priority", "changedTo", "Low"),
            Rules.set("Priority", "High"))
        let limits: @Sendable (inout WorkerLimits) -> Void = { $0.changesPerTargetMax = 3 }
        try await Bridge.atWork(for: self, .init(rules: [rule]), limits: limits) { bridge in
            let id = try await bridge.create("Case", ["Subject": "Contested"])
            for _ in 1...4 {
                await bridge.update("Case", id, ["Priority": "Low"])
                try await bridge.quiet()
            }
            XCTAssertEqual(bridge.changes("updated Case").count, 3)
            let priority = try await bridge.record("Case", id)["Priority"]
            XCTAssertEqual(priority, "Low")
            let last = try await bridge.events().last { $0.ending?.outcome.name == "failed" }
            guard case .failed(let cause) = last?.ending?.outcome else {
                return XCTFail("nothing failed")
            }
            XCTAssertEqual(cause.code, "fuse")
            XCTAssertTrue(
                cause.message.hasPrefix("record:\(id.key) was changed 3 times"), cause.message)
            // Another record is none of its business.
            let other = try await bridge.create("Case", ["Subject": "Free"])
            await bridge.update("Case", other, ["Priority": "Low"])
            try await bridge.quiet()
            let free = try await bridge.record("Case", other)["Priority"]
            XCTAssertEqual(free, "High")
        }
    }

    /// A workflow that ends starts the other one, and so on: no value comes back, so no echo ends
    /// it.
    func testRulesThatStartEachOtherEndAtTheFuse() async throws {
        func restart(_ id: String, after workflow: String, with other: String) -> JSON {
            Rules.onIncident(
                id,
                when: [
                    "all": [
                        Rules.event("workflowComplete"),
                        Rules.condition("workflow.id", "equals", .string(workflow)),
                    ]
                ], ["type": "startIncidentWorkflow", "workflow": .string(other)])
        }
        let rules = [
            restart("there", after: "PWFMAJR", with: "PWFCOMM"),
            restart("back", after: "PWFCOMM", with: "PWFMAJR"),
        ]
        let limits: @Sendable (inout WorkerLimits) -> Void = { $0.changesPerTargetMax = 3 }
        try await Bridge.atWork(for: self, .init(rules: rules), limits: limits) { bridge in
            let incident = try await bridge.trigger()
            await bridge.inPagerDuty("workflow", incident, ["workflow": "PWFMAJR"])
            try await bridge.quiet()
            let outcomes = try await bridge.outcomes("incident.workflow.completed")
            XCTAssertEqual(outcomes, ["applied", "applied", "applied", "failed: fuse"])
        }
    }
}

extension Bridge.Options {
    fileprivate static let mirroring = Bridge.Options(mappings: [
        ObjectMapping(object: "Case", syncNotes: true, syncComments: true)
    ])
}

extension Bridge {
    fileprivate func user(_ name: String, line: UInt = #line) async throws -> RecordID {
        let user = await records("User").first { $0["Username"]?.string == name }
        return try XCTUnwrap(user?["Id"]?.string.flatMap { RecordID($0) }, line: line)
    }

    fileprivate func checkNotes(
        _ expected: [String], on incident: IncidentID, line: UInt = #line
    ) async throws {
        let notes = await notes(on: incident)
        XCTAssertEqual(notes, expected, line: line)
    }
}

extension JSON {
    /// What the Apex package posts of one case: each field with its old and its new value.
    fileprivate static func apexChange(
        of id: RecordID, _ fields: JSON, by user: RecordID, _ transaction: String
    ) -> JSON {
        func state(_ place: Int) -> JSON {
            var record: JSONObject = [
                "attributes": ["type": "Case"], "Id": .string(id.long),
            ]
            for member in fields.object?.members ?? [] {
                record[member.key] = member.value[place] ?? .null
            }
            return .object(JSONObject([(id.long, .object(record))]))
        }
        return [
            "object": "Case", "old": state(0), "new": state(1), "isInsert": false,
            "userId": .string(user.long), "transactionId": .string(transaction),
        ]
    }
}
