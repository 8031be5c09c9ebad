import JSON
import Models
import Sandbox
import XCTest

@testable import Worker

/// Events of Liaison's own changes, which must not count as changes by users.
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
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked()
            await rig.inPagerDuty("resolve", incident)
            try await rig.untilQuiet()
            try await rig.checkNotes([], on: incident)

            // Vendors may deliver a change twice, each time under another id.
            let us = try await rig.user(SandboxOptions().salesforce.username)
            let change: JSON = ["Status": ["New", "Closed"]]
            try await rig.deliverApex(.apexChange(of: id, change, by: us, "again"))
            try await rig.untilQuiet()
            try await rig.checkNotes([], on: incident)

            // A flow changed another field in the same transaction.
            let more: JSON = ["Status": ["New", "Closed"], "Priority": ["Medium", "High"]]
            try await rig.deliverApex(.apexChange(of: id, more, by: us, "more"))
            try await rig.untilQuiet()
            try await rig.checkNotes(["Priority"], on: incident)

            // A user repeats our change.
            let person = try await rig.user("mira@sandbox.example")
            try await rig.deliverApex(.apexChange(of: id, change, by: person, "person"))
            try await rig.untilQuiet()
            try await rig.checkNotes(["Priority", "Status"], on: incident)
        }
    }

    func testOurAcknowledgeOrResolveFiresNoRule() async throws {
        let rules = [
            Rules.mainJob[1], Rules.mainJob[2],
            Rules.onIncident("any", when: Rules.always, Rules.comment("A user did it.")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked()
            try await rig.untilQuiet()
            let before = await rig.comments(on: id)
            for status in ["Working", "Closed"] {
                await rig.update("Case", id, ["Status": .string(status)])
                try await rig.untilQuiet()
            }
            let present = await rig.incident(incident)["status"]
            XCTAssertEqual(present, "resolved")
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments, before)
            for kind in ["incident.acknowledged", "incident.resolved"] {
                let outcomes = try await rig.outcomes(kind)
                XCTAssertEqual(outcomes, ["ignored: it repeats what Liaison wrote"], kind)
            }
        }
    }

    /// Another user does in PagerDuty what we did a moment ago.
    func testAnotherUsersSameChangeInPagerDutyIsNoEcho() async throws {
        let rules = [
            Rules.mainJob[1],
            Rules.onIncident(
                "show", when: Rules.always,
                Rules.set("PagerDuty_Status__c", "{{incident.status}}")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked()
            await rig.update("Case", id, ["Status": "Closed"])
            try await rig.untilQuiet()
            for what in ["reopen", "resolve"] {
                await rig.inPagerDuty(what, incident)
                try await rig.untilQuiet()
            }
            let status = try await rig.record("Case", id)["PagerDuty_Status__c"]
            XCTAssertEqual(status, "resolved")
            let outcomes = try await rig.outcomes("incident.resolved")
            XCTAssertEqual(outcomes, ["ignored: it repeats what Liaison wrote", "applied"])
        }
    }

    /// PagerDuty may refuse to name our user. Then the journal alone tells echoes apart.
    func testEchoesAreRecognisedWithoutOurUsersName() async throws {
        try await Rig.working(for: self, .init(rules: Rules.mainJob)) { rig in
            await rig.injectFault([
                "vendor": "pagerduty", "fault": "status", "status": 403, "path": "/users*",
                "times": 9,
            ])
            for _ in 1...2 {
                let (_, id) = try await rig.linked()
                await rig.update("Case", id, ["Status": "Closed"])
                try await rig.untilQuiet()
            }
            let outcomes = try await rig.outcomes("incident.resolved")
            XCTAssertEqual(
                outcomes, Array(repeating: "ignored: it repeats what Liaison wrote", count: 2))
            let asked = rig.sandbox.calls.filter { $0.path == "/users" }
            XCTAssertEqual(asked.map(\.status), [403], "it is asked once")
        }
    }

    /// The message has no old values, but it names the user who saved the record.
    func testAnOutboundMessageOfOurOwnSaveFiresNoRule() async throws {
        let rules = [
            Rules.onRecord(
                "impact", "Outage__c", when: Rules.condition("record.Phase__c", "equals", "Open"),
                Rules.set("Impact__c", "seen"))
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            await rig.sandbox.control("DELETE", "/_sandbox/salesforce/targets")
            await rig.tell(
                "/_sandbox/salesforce/outbound",
                [
                    "url": .string(
                        "\(rig.ingestURL)/salesforce/acme/outbound/\(Rig.outboundToken)"),
                    "object": "Outage__c",
                    "fields": ["Name", "Phase__c", "Impact__c", "LastModifiedById"],
                ])
            let id = try await rig.create("Outage__c", ["Name": "Down", "Phase__c": "Open"])
            try await rig.untilQuiet()
            let impact = try await rig.record("Outage__c", id)["Impact__c"]
            XCTAssertEqual(impact, "seen")
            let outcomes = try await rig.outcomes("record.updated")
            XCTAssertEqual(outcomes.filter { $0 == "applied" }.count, 1, "\(outcomes)")
            XCTAssertEqual(rig.changes("updated Outage__c").count, 1)
        }
    }

    func testNotesAndCommentsAreCopiedOnceEach() async throws {
        try await Rig.working(for: self, .mirroring) { rig in
            let (incident, id) = try await rig.linked()
            await rig.inPagerDuty("note", incident, ["text": "Pump 3 is down"])
            try await rig.untilQuiet()
            _ = try await rig.create(
                "CaseComment",
                ["ParentId": .string(id.long), "CommentBody": "The customer called"])
            try await rig.untilQuiet()
            let notes = await rig.notes(on: incident)
            let comments = await rig.comments(on: id)
            XCTAssertEqual(notes.count, 2, "\(notes)")
            XCTAssertEqual(comments.count, 2, "\(comments)")
            XCTAssertTrue(notes[1].hasSuffix("]\nThe customer called"), notes[1])
            XCTAssertTrue(comments[0].hasSuffix(" by Ada Quill]\nPump 3 is down"), comments[0])
        }
    }

    func testTheSameNoteTwiceIsTwoComments() async throws {
        try await Rig.working(for: self, .mirroring) { rig in
            let (incident, id) = try await rig.linked()
            for _ in 1...2 {
                await rig.inPagerDuty("note", incident, ["text": "Still down"])
                _ = try await rig.create(
                    "CaseComment", ["ParentId": .string(id.long), "CommentBody": "Any news?"])
                try await rig.untilQuiet()
            }
            let notes = await rig.notes(on: incident)
            let comments = await rig.comments(on: id)
            XCTAssertEqual(notes.filter { $0.hasSuffix("Any news?") }.count, 2)
            XCTAssertEqual(comments.filter { $0.hasSuffix("Still down") }.count, 2)
            XCTAssertEqual(notes.count + comments.count, 8)
        }
    }

    /// A case comment holds 4,000 bytes of UTF-8, and a webhook 20,000 characters of a note.
    func testTextsOfAllKindsArriveOnce() async throws {
        let texts = [
            "=1+1", "a\r\nb", "  around  ", "🚒 Zahlung hängt", "<b>&amp;</b>",
            String(repeating: "é", count: 2000), String(repeating: "é", count: 2001),
            "!" + String(repeating: "🚒", count: 1000), String(repeating: "long ", count: 5000),
        ]
        try await Rig.working(for: self, .mirroring) { rig in
            let (incident, id) = try await rig.linked()
            for text in texts {
                await rig.inPagerDuty("note", incident, ["text": .string(text)])
            }
            try await rig.untilQuiet()
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments.count, texts.count)
            for text in texts {
                let start = String(text.prefix(200))
                XCTAssertTrue(comments.contains { $0.contains(start) }, start)
            }
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes.count, texts.count, "nothing came back")
        }
    }

    /// A user undoes the rule's change each time.
    func testAChangeThatAUserUndoesAgainAndAgainEndsAtTheFuse() async throws {
        let rule = Rules.onRecord(
            "high", when: Rules.condition("record.Priority", "changedTo", "Low"),
            Rules.set("Priority", "High"))
        let limits: @Sendable (inout WorkerLimits) -> Void = { $0.changesPerTargetMax = 3 }
        try await Rig.working(for: self, .init(rules: [rule]), limits: limits) { rig in
            let id = try await rig.create("Case", ["Subject": "Contested"])
            for _ in 1...4 {
                await rig.update("Case", id, ["Priority": "Low"])
                try await rig.untilQuiet()
            }
            XCTAssertEqual(rig.changes("updated Case").count, 3)
            let priority = try await rig.record("Case", id)["Priority"]
            XCTAssertEqual(priority, "Low")
            let last = try await rig.events().last { $0.ending?.outcome.name == "failed" }
            guard case .failed(let cause) = last?.ending?.outcome else {
                return XCTFail("nothing failed")
            }
            XCTAssertEqual(cause.code, "fuse")
            XCTAssertTrue(
                cause.message.hasPrefix("record:\(id.key) was changed 3 times"), cause.message)
            // Another record is not affected.
            let other = try await rig.create("Case", ["Subject": "Free"])
            await rig.update("Case", other, ["Priority": "Low"])
            try await rig.untilQuiet()
            let free = try await rig.record("Case", other)["Priority"]
            XCTAssertEqual(free, "High")
        }
    }

    /// The end of each workflow starts the other. No value comes back, so that no echo ends this.
    func testRulesThatStartEachOtherEndAtTheFuse() async throws {
        func restart(_ id: String, after workflow: String, with other: String) -> JSON {
            Rules.onIncident(
                id,
                when: Rules.all(
                    Rules.event("workflowComplete"),
                    Rules.condition("workflow.id", "equals", .string(workflow))),
                ["type": "startIncidentWorkflow", "workflow": .string(other)])
        }
        let rules = [
            restart("there", after: "PWFMAJR", with: "PWFCOMM"),
            restart("back", after: "PWFCOMM", with: "PWFMAJR"),
        ]
        let limits: @Sendable (inout WorkerLimits) -> Void = { $0.changesPerTargetMax = 3 }
        try await Rig.working(for: self, .init(rules: rules), limits: limits) { rig in
            let incident = try await rig.trigger()
            await rig.inPagerDuty("workflow", incident, ["workflow": "PWFMAJR"])
            try await rig.untilQuiet()
            let outcomes = try await rig.outcomes("incident.workflow.completed")
            XCTAssertEqual(outcomes, ["applied", "applied", "applied", "failed: fuse"])
        }
    }
}

extension Rig.Options {
    fileprivate static let mirroring = Rig.Options(mappings: [
        ObjectMapping(object: "Case", syncNotes: true, syncComments: true)
    ])
}

extension Rig {
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
    /// A delivery of the Apex package about one case: each field with its old and its new value.
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
