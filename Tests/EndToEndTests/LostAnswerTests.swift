import JSON
import Models
import XCTest

/// Calls without an answer, which may have had their effect and must not have it twice.
final class LostAnswerTests: XCTestCase {
    private static let faults = ["drop", "dropAfterEffect", "hang", "hangAfterEffect"]

    func testANoteIsMadeOnce() async throws {
        try await check(
            "pagerduty", "POST", "/incidents/*/notes", Rules.note("{{event.id}}")
        ) { rig, pair in
            await rig.notes(on: pair.incident)
        }
    }

    func testACaseCommentIsMadeOnce() async throws {
        try await check(
            "salesforce", "POST", "*/CaseComment", Rules.comment("{{event.id}}")
        ) { rig, pair in
            await rig.comments(on: pair.record)
        }
    }

    func testAFeedItemIsMadeOnce() async throws {
        try await check(
            "salesforce", "POST", "*/FeedItem", Rules.comment("{{event.id}}"), on: "Outage__c"
        ) { rig, _ in
            await rig.records("FeedItem").compactMap { $0["Body"]?.string }
        }
    }

    /// Only its values identify the record, and Salesforce returns them in its own formats.
    func testARecordWithoutExternalIDIsMadeOnce() async throws {
        let create: JSON = [
            "type": "createRecord", "object": "Outage__c",
            "fields": [
                "Name": "{{event.id}}", "Severity__c": "SEV2", "Public__c": true,
                "Customers_Affected__c": "{{incident.number}}", "Impact__c": "",
                "Started_At__c": "{{incident.createdAt}}", "Review_Date__c": "2026-03-02",
                "Description__c": "{{incident.title}} ",
            ],
        ]
        try await check(
            "salesforce", "POST", "*/sobjects/Outage__c", create,
            preparing: [
                "object": "Outage__c", "name": "Description__c", "type": "textarea",
                "length": 255,
            ]
        ) { rig, _ in
            await rig.records("Outage__c").compactMap { $0["Name"]?.string }
        }
    }

    /// Two incidents with the same title have a record each.
    func testALostRecordIsNotMistakenForThatOfAnotherIncident() async throws {
        let create: JSON = [
            "type": "createRecord", "object": "Outage__c",
            "fields": ["Name": "{{incident.title}}"],
        ]
        let rule = Rules.onIncident(
            "open", "Outage__c", when: Rules.event("trigger"), create)
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let first = try await rig.trigger("Shop is down")
            try await rig.untilQuiet()
            try await rig.lose("drop", "salesforce", "POST", "*/sobjects/Outage__c") {
                _ = try await rig.trigger("Shop is down")
            }
            let outages = await rig.records("Outage__c")
            XCTAssertEqual(outages.map { $0["Name"] }, ["Shop is down", "Shop is down"])
            let links = try await rig.store.links(incident: first, in: Rig.connection)
            XCTAssertEqual(links.count, 1)
        }
    }

    func testARecordWithExternalIDIsMadeOnce() async throws {
        let create: JSON = [
            "type": "createRecord", "object": "Outage__c",
            "externalId": ["field": "PagerDuty_Incident_Id__c", "value": "{{event.id}}"],
            "fields": ["Name": "{{event.id}}"],
        ]
        try await check(
            "salesforce", "PATCH", "*/PagerDuty_Incident_Id__c/*", create
        ) { rig, _ in
            await rig.records("Outage__c").compactMap { $0["Name"]?.string }
        }
    }

    func testAnIncidentIsMadeOnce() async throws {
        try await Rig.working(for: self, .init(rules: [Rules.mainJob[0]])) { rig in
            for fault in Self.faults {
                let id = try await rig.create("Case", ["Subject": .string(fault)])
                try await rig.lose(fault, "pagerduty", "POST", "/incidents") {
                    await rig.update("Case", id, ["Priority": "High"])
                }
            }
            let titles = await rig.incidents().compactMap { $0["title"]?.string }
            XCTAssertEqual(titles.sorted(), Self.faults.map { "Case: \($0)" }.sorted())
            let outcomes = try await rig.outcomes("record.updated")
            XCTAssertEqual(outcomes, ["applied", "applied", "applied", "applied"])
        }
    }

    /// Users write the same text.
    func testALostCommentIsNotMistakenForAUsersComment() async throws {
        let mapping = ObjectMapping(object: "Case", syncNotes: true)
        try await Rig.working(for: self, .init(mappings: [mapping])) { rig in
            let (incident, id) = try await rig.linked()
            _ = try await rig.create(
                "CaseComment", ["ParentId": .string(id.long), "CommentBody": "Still down"])
            await rig.inPagerDuty("note", incident, ["text": "Still down"])
            try await rig.untilQuiet()
            try await rig.lose("drop", "salesforce", "POST", "*/CaseComment") {
                await rig.inPagerDuty("note", incident, ["text": "Still down"])
            }
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments.filter { $0.hasSuffix("Still down") }.count, 3)
        }
    }

    /// Appends an event of another incident for each fault. Afterwards `made` returns the id of
    /// each event once.
    private func check(
        _ vendor: String, _ method: String, _ path: String, _ action: JSON,
        on object: String = "Case", preparing field: JSON? = nil, line: UInt = #line,
        made: (Rig, (incident: IncidentID, record: RecordID)) async -> [String]
    ) async throws {
        let rule = Rules.onIncident("act", object, when: Rules.event("escalate"), action)
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            if let field { await rig.tell("/_sandbox/salesforce/fields", field) }
            for fault in Self.faults {
                let fields: JSON = object == "Case" ? [:] : ["Name": "An outage"]
                let pair = try await rig.linked(object, fields)
                try await rig.untilQuiet()
                try await rig.lose(fault, vendor, method, path) {
                    try await rig.append(pair.incident, 7, title: "A title")
                }
                let all = await made(rig, pair)
                let ours = all.filter { $0 == "\(pair.incident)-7" }
                XCTAssertEqual(ours.count, 1, "\(fault): \(all)", line: line)
            }
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied", "applied", "applied", "applied"], line: line)
        }
    }
}

extension Rig {
    /// Runs `doing`, whose call meets the fault, and waits until the system is quiet.
    fileprivate func lose(
        _ fault: String, _ vendor: String, _ method: String, _ path: String,
        line: UInt = #line, _ doing: () async throws -> Void
    ) async throws {
        let before = sandbox.calls.last?.number ?? 0
        await injectFault([
            "vendor": .string(vendor), "fault": .string(fault), "method": .string(method),
            "path": .string(path),
        ])
        try await doing()
        _ = try await firstCall(line: line) { $0.number > before && $0.fault == fault }
        if fault.hasPrefix("hang") { await clearFaults() }
        try await untilQuiet(line: line)
    }
}
