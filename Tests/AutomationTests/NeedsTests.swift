import Automation
import JSON
import Models
import XCTest

final class NeedsTests: XCTestCase {
    func testAWholeIncidentNeedsNothing() throws {
        let book = try rulebook(
            rule("r", .incidentChange, when: equals("incident.service.id", "PSVC01")))
        try check(book, Facts(event: try Sample.incidentEvent()), FactNeeds())
    }

    func testAReferenceIsFetchedOnlyForARuleThatCouldMatch() throws {
        let both = """
            {"all": [\(equals("incident.eventType", "annotate")),
                     \(equals("incident.service.id", "PSVC01"))]}
            """
        let other = """
            {"all": [\(equals("incident.eventType", "resolve")),
                     \(equals("incident.service.id", "PSVC01"))]}
            """
        let facts = Facts(event: try Sample.note("hi"))
        try check(
            try rulebook(rule("r", .incidentChange, when: both)), facts,
            FactNeeds(incidents: [Sample.incident]))
        try check(try rulebook(rule("r", .incidentChange, when: other)), facts, FactNeeds())
        try check(
            try rulebook(
                rule("r", .incidentChange, when: equals("incident.title", "Checkout is down"))),
            facts, FactNeeds())
    }

    func testFieldsOfLinkedRecordsAreFetchedByName() throws {
        let book = try rulebook(
            rule(
                "r", .incidentChange,
                when: """
                    {"any": [\(equals("record.Status", "New")),
                             {"field": "record.A", "operator": "equalsField", "value": "record.B"}]}
                    """,
                actions: #"{"type": "addNote", "text": "{{record.Subject}} {{record.Id}}"}"#))
        var facts = Facts(event: try Sample.incidentEvent(), links: [Sample.link()])
        try check(
            book, facts,
            FactNeeds(records: [Sample.caseReference: ["Status", "A", "B", "Subject"]]))
        facts.records = [Sample.caseID: RecordFields(["Status": "New", "A": nil, "b": nil])]
        try check(book, facts, FactNeeds(records: [Sample.caseReference: ["Subject"]]))
        facts.records = [Sample.caseID: RecordFields(["Status": "Old", "A": 1, "B": 2])]
        try check(book, facts, FactNeeds())
        facts.links = []
        try check(book, facts, FactNeeds())
    }

    func testFieldsThatAnOutboundMessageLeavesOutAreFetched() throws {
        let book = try rulebook(
            rule(
                when: """
                    {"all": [\(equals("record.Phase__c", "Open")),
                             {"none": [\(equals("record.Priority__c", "P1"))]}]}
                    """,
                actions: #"{"type": "addNote", "text": "{{record.Impact__c}} {{record.Id}}"}"#))
        var facts = Facts(event: try Sample.outbound(["Phase__c": "Open"]))
        try check(
            book, facts, FactNeeds(records: [Sample.caseReference: ["Priority__c", "Impact__c"]]))
        facts.records = [Sample.caseID: RecordFields(["Priority__c": "P2", "Impact__c": nil])]
        try check(book, facts, FactNeeds())
        try check(book, Facts(event: try Sample.outbound(["Phase__c": "Closed"])), FactNeeds())
        try check(
            book, Facts(event: try Sample.change(old: [:], new: ["Phase__c": "Open"])), FactNeeds())
    }

    func testAFieldIsFetchedOnceHoweverItIsSpelt() throws {
        let book = try rulebook(
            rule(
                "r", .incidentChange, when: equals("record.Status", "New"),
                actions: #"{"type": "addNote", "text": "{{record.status}}"}"#))
        let facts = Facts(event: try Sample.incidentEvent(), links: [Sample.link()])
        try check(book, facts, FactNeeds(records: [Sample.caseReference: ["Status"]]))
    }

    func testARecordsRuleFetchesItsLinkedIncidents() throws {
        let facts = Facts(
            event: try Sample.change(old: ["Status": "New"], new: ["Status": "Open"]),
            links: [Sample.link("Q1"), Sample.link("Q2")],
            incidents: ["Q1": Sample.fetched("Q1", status: .resolved)])
        func check(
            _ when: String, actions: String = #"{"type": "acknowledgeIncident"}"#,
            _ incidents: Set<IncidentID>, line: UInt = #line
        ) throws {
            try self.check(
                try rulebook(rule(when: when, actions: actions)), facts,
                FactNeeds(incidents: incidents), line: line)
        }
        let create = #"{"type": "createIncident", "service": "PSVC01", "title": "t"}"#
        try check(equals("record.Status", "Open"), [])
        try check(equals("record.Status", "Open"), actions: create, ["Q2"])
        try check(equals("record.Status", "New"), actions: create, [])
        try check(#"{"operator": "linkedIncidentStatusIs", "value": "triggered"}"#, ["Q2"])
        try check(#"{"operator": "linkedIncidentStatusIs", "value": "resolved"}"#, [])
        try check(#"{"operator": "hasLinkedIncident"}"#, [])
    }

    func testACutNoteIsFetchedIfARuleReadsItsText() throws {
        let note = FactNeeds(
            trimmedNote: FactNeeds.NoteReference(incident: Sample.incident, note: "PNOTE01"))
        var facts = Facts(event: try Sample.note("begi", trimmed: true))
        try check(
            try rulebook(
                rule(
                    "r", .incidentChange,
                    when: #"{"field": "note.text", "operator": "contains", "value": "x"}"#)),
            facts, note)
        let mirror = try rulebook(mappings: [ObjectMapping(object: "Case", syncNotes: true)])
        try check(mirror, facts, FactNeeds())
        facts.links = [Sample.link()]
        try check(mirror, facts, note)
        facts.noteText = "beginning"
        try check(mirror, facts, FactNeeds())
    }

    func testAnEchoNeedsNothing() throws {
        let book = try rulebook(
            rule("r", .incidentChange, when: equals("incident.service.id", "PSVC01")))
        try check(book, Facts(event: try Sample.note("hi"), echoes: [.mirrored]), FactNeeds())
    }

    private func equals(_ field: String, _ value: String) -> String {
        #"{"field": "\#(field)", "operator": "equals", "value": "\#(value)"}"#
    }

    private func check(
        _ book: Rulebook, _ facts: Facts, _ needs: FactNeeds, line: UInt = #line
    ) throws {
        XCTAssertEqual(book.judge(facts, now: Sample.now).needs, needs, line: line)
    }
}
