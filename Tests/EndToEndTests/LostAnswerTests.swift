import JSON
import Models
import XCTest

/// Calls that nobody answered: they may have had their effect, and must not have it twice.
final class LostAnswerTests: XCTestCase {
    private static let faults = ["drop", "dropAfterEffect", "hang", "hangAfterEffect"]

    func testANoteIsMadeOnce() async throws {
        try await check(
            "pagerduty", "POST", "/incidents/*/notes", Rules.note("{{event.id}}")
        ) { bridge, pair in
            await bridge.notes(on: pair.incident)
        }
    }

    func testACaseCommentIsMadeOnce() async throws {
        try await check(
            "salesforce", "POST", "*/CaseComment", Rules.comment("{{event.id}}")
        ) { bridge, pair in
            await bridge.comments(on: pair.record)
        }
    }

    func testAFeedItemIsMadeOnce() async throws {
        try await check(
            "salesforce", "POST", "*/FeedItem", Rules.comment("{{event.id}}"), on: "Outage__c"
        ) { bridge, _ in
            await bridge.records("FeedItem").compactMap { $0["Body"]?.string }
        }
    }

    /// Nothing but its values tells it from others: they come back in Salesforce's own forms.
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
        ) { bridge, _ in
            await bridge.records("Outage__c").compactMap { $0["Name"]?.string }
        }
    }

    /// Two incidents that look alike have a record each.
    func testALostRecordIsNotFoundInThatOfAnotherIncident() async throws {
        let create: JSON = [
            "type": "createRecord", "object": "Outage__c",
            "fields": ["Name": "{{incident.title}}"],
        ]
        let rule = Rules.onIncident(
            "open", "Outage__c", when: Rules.event("trigger"), create)
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let first = try await bridge.trigger("Shop is down")
            try await bridge.quiet()
            try await bridge.lose("drop", "salesforce", "POST", "*/sobjects/Outage__c") {
                _ = try await bridge.trigger("Shop is down")
            }
            let outages = await bridge.records("Outage__c")
            XCTAssertEqual(outages.map { $0["Name"] }, ["Shop is down", "Shop is down"])
            let links = try await bridge.store.links(incident: first, in: Bridge.connection)
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
        ) { bridge, _ in
            await bridge.records("Outage__c").compactMap { $0["Name"]?.string }
        }
    }

    func testAnIncidentIsMadeOnce() async throws {
        try await Bridge.atWork(for: self, .init(rules: [Rules.mainJob[0]])) { bridge in
            for fault in Self.faults {
                let id = try await bridge.create("Case", ["Subject": .string(fault)])
                try await bridge.lose(fault, "pagerduty", "POST", "/incidents") {
                    await bridge.update("Case", id, ["Priority": "High"])
                }
            }
            let titles = await bridge.incidents().compactMap { $0["title"]?.string }
            XCTAssertEqual(titles.sorted(), Self.faults.map { "Case: \($0)" }.sorted())
            let outcomes = try await bridge.outcomes("record.updated")
            XCTAssertEqual(outcomes, ["applied", "applied", "applied", "applied"])
        }
    }

    /// People say the same: what they wrote is not taken for ours.
    func testALostCommentIsNotFoundInSomebodyElsesWords() async throws {
        let mapping = ObjectMapping(object: "Case", syncNotes: true)
        try await Bridge.atWork(for: self, .init(mappings: [mapping])) { bridge in
            let (incident, id) = try await bridge.linked()
            _ = try await bridge.create(
                "CaseComment", ["ParentId": .string(id.long), "CommentBody": "Still down"])
            await bridge.inPagerDuty("note", incident, ["text": "Still down"])
            try await bridge.quiet()
            try await bridge.lose("drop", "salesforce", "POST", "*/CaseComment") {
                await bridge.inPagerDuty("note", incident, ["text": "Still down"])
            }
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments.filter { $0.hasSuffix("Still down") }.count, 3)
        }
    }

    /// For each fault an event of a pair of its own: afterwards `made` names each event once.
    private func check(
        _ vendor: String, _ method: String, _ path: String, _ action: JSON,
        on object: String = "Case", preparing field: JSON? = nil, line: UInt = #line,
        made: (Bridge, (incident: IncidentID, record: RecordID)) async -> [String]
    ) async throws {
        let rule = Rules.onIncident("act", object, when: Rules.event("escalate"), action)
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            if let field { await bridge.tell("/_sandbox/salesforce/fields", field) }
            for fault in Self.faults {
                let fields: JSON = object == "Case" ? [:] : ["Name": "An outage"]
                let pair = try await bridge.linked(object, fields)
                try await bridge.quiet()
                try await bridge.lose(fault, vendor, method, path) {
                    try await bridge.append(pair.incident, 7, title: "A title")
                }
                let all = await made(bridge, pair)
                let ours = all.filter { $0 == "\(pair.incident)-7" }
                XCTAssertEqual(ours.count, 1, "\(fault): \(all)", line: line)
            }
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied", "applied", "applied", "applied"], line: line)
        }
    }
}

extension Bridge {
    /// Does something whose call meets the fault, and waits until all is done.
    fileprivate func lose(
        _ fault: String, _ vendor: String, _ method: String, _ path: String,
        line: UInt = #line, _ doing: () async throws -> Void
    ) async throws {
        let before = sandbox.calls.last?.number ?? 0
        await order([
            "vendor": .string(vendor), "fault": .string(fault), "method": .string(method),
            "path": .string(path),
        ])
        try await doing()
        _ = try await call(line: line) { $0.number > before && $0.fault == fault }
        if fault.hasPrefix("hang") { await release() }
        try await quiet(line: line)
    }
}
