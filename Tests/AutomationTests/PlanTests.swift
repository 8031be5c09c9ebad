import Automation
import JSON
import Models
import XCTest

final class PlanTests: XCTestCase {
    private let create = """
        {"type": "createIncident", "service": "PSVC01", "title": "{{record.Subject}}",
        "body": "{{record.Description}}", "urgency": "high", "priority": "PPRI01",
        "assignTo": {"users": ["PUSR01", "{{record.Pager__c}}"]}}
        """

    func testCreatesOneIncidentForARecordWithoutAnOpenOne() throws {
        let book = try rulebook(rule("first", actions: create), rule("second", actions: create))
        var facts = Facts(event: try change(["Subject": "Down"]))
        let command = Command.createIncident(
            NewIncident(
                title: "Down", service: "PSVC01",
                incidentKey: "liaison:acme:Case:500QZ00000ABCDEYA5:set/first", body: nil,
                urgency: .high,
                priority: "PPRI01", assignment: .users(["PUSR01"])),
            for: Sample.caseReference)
        XCTAssertEqual(commands(book, facts), [command], "the second rule finds it being created")

        facts.links = [Sample.link("Q1")]
        facts.incidents = ["Q1": Sample.fetched("Q1", status: .resolved)]
        XCTAssertEqual(commands(book, facts), [command])
        facts.incidents = ["Q1": Sample.fetched("Q1", status: .acknowledged)]
        XCTAssertEqual(commands(book, facts), [])
        XCTAssertEqual(
            book.plan(facts).remarks.map(\.words),
            Array(repeating: "action 1: incident Q1 is linked and open", count: 2))
    }

    func testTheKeyOfACreatedIncidentNamesItsRecord() throws {
        let book = try rulebook(rule(actions: create))
        let facts = Facts(event: try change(["Subject": "Down"]))
        guard case .createIncident(let new, _)? = commands(book, facts).first else {
            return XCTFail("nothing is created")
        }
        func check(_ key: JSON, _ link: Link?, line: UInt = #line) throws {
            let event = try Sample.incidentEvent(with: ["incident_key": key])
            XCTAssertEqual(event.impliedLink, link, line: line)
        }
        try check(.string(new.incidentKey), Sample.link())
        try check(nil, nil)
        try check("k-1", nil)
        try check("liaison:other:Case:500QZ00000ABCDEYA5:set/first", nil)
        try check("liaison:acme:Case:none:set/first", nil)
    }

    func testALongTitleIsCutAndAnEmptyOneIsAProblem() throws {
        let book = try rulebook(rule(actions: create))
        let long = Facts(
            event: try change(["Subject": .string(String(repeating: "x", count: 2000))]))
        guard case .createIncident(let incident, _)? = commands(book, long).first else {
            return XCTFail("nothing is created")
        }
        XCTAssertEqual(incident.title.count, 1024)
        let plan = book.plan(Facts(event: try change([:])))
        XCTAssertEqual(plan.effects, [])
        XCTAssertEqual(plan.problems.map(\.cause.code), ["template.empty"])
        XCTAssertEqual(plan.problems.map(\.rule), ["set/r"])
    }

    func testActsOnEveryLinkedIncidentThatIsNotResolved() throws {
        let book = try rulebook(
            rule(
                actions: """
                    {"type": "acknowledgeIncident"},
                    {"type": "resolveIncident", "resolution": "{{record.Reason}}"},
                    {"type": "setIncidentPriority", "priority": "PPRI02"},
                    {"type": "reassignIncident", "escalationPolicy": "PPOL02"},
                    {"type": "startIncidentWorkflow", "workflow": "PWFL01"},
                    {"type": "runResponsePlay", "play": "PPLY01"},
                    {"type": "addNote", "text": "n"}
                    """))
        let facts = Facts(
            event: try change(["Reason": "repaired"]),
            links: [Sample.link("Q1"), Sample.link("Q2"), Sample.link("Q3", Sample.secondCase)],
            incidents: ["Q2": Sample.fetched("Q2", status: .resolved)])
        XCTAssertEqual(
            commands(book, facts),
            [
                .updateIncident("Q1", .acknowledge),
                .updateIncident("Q1", .resolve(resolution: "repaired")),
                .updateIncident("Q1", .setPriority("PPRI02")),
                .updateIncident("Q1", .reassign(.escalationPolicy("PPOL02"))),
                .startWorkflow("Q1", workflow: "PWFL01"),
                .runResponsePlay("Q1", play: "PPLY01"),
                .addNote("Q1", text: "n"), .addNote("Q2", text: "n"),
            ])
        let plan = book.plan(Facts(event: try change([:])))
        XCTAssertEqual(plan.effects, [])
        XCTAssertEqual(plan.problems, [])
        XCTAssertEqual(plan.remarks.count, 7)
    }

    func testIncidentActionsOfAnIncidentRuleActOnThatIncidentOnce() throws {
        let book = try rulebook(
            rule("a", .incidentChange), rule("b", .incidentChange, object: "Account"))
        let facts = Facts(
            event: try Sample.incidentEvent(), links: [Sample.link(), Sample.link("Q9")])
        XCTAssertEqual(commands(book, facts), [.updateIncident(Sample.incident, .acknowledge)])
    }

    func testSeveralFieldsOfOneRuleAreOneWrite() throws {
        let book = try rulebook(
            rule(
                actions: """
                    {"type": "setField", "field": "Status", "value": "Working"},
                    {"type": "addComment", "text": "c"},
                    {"type": "setField", "field": "Owner__c", "value": "x",
                     "runsAssignmentRules": true},
                    {"type": "setField", "field": "Copy__c", "value": "{{record.Amount}}"},
                    {"type": "setField", "field": "Reason", "value": null}
                    """))
        XCTAssertEqual(
            commands(book, Facts(event: try change(["Amount": 5]))),
            [
                .updateRecord(
                    Sample.caseReference,
                    fields: ["Status": "Working", "Copy__c": 5, "Reason": nil],
                    options: RecordWriteOptions()),
                .addComment(Sample.caseReference, text: "c", isPublic: false),
                .updateRecord(
                    Sample.caseReference, fields: ["Owner__c": "x"],
                    options: RecordWriteOptions(runsAssignmentRules: true)),
            ])
    }

    /// No field of a record takes a list or an object.
    func testAListIsWrittenAsTextIntoAField() throws {
        let book = try rulebook(
            rule(
                "r", .incidentChange,
                actions: """
                    {"type": "setField", "field": "Team__c", "value": "{{incident.assigneeNames}}"},
                    {"type": "createRecord", "object": "Task", "fields":
                     {"Subject": "{{incident.assigneeNames}}", "Size__c": "{{incident.number}}"}},
                    {"type": "deliver", "path": "/services/apexrest/x",
                     "body": "{{incident.assigneeNames}}"}
                    """))
        XCTAssertEqual(
            commands(book, Facts(event: try Sample.incidentEvent(), links: [Sample.link()])),
            [
                .updateRecord(
                    Sample.caseReference, fields: ["Team__c": "Ada, Grace"],
                    options: RecordWriteOptions()),
                .createRecord(
                    NewRecord(object: "Task", fields: ["Subject": "Ada, Grace", "Size__c": 7]),
                    for: Sample.incident),
                .deliver(path: "/services/apexrest/x", body: ["Ada", "Grace"]),
            ])
    }

    func testAFieldThatIsSpeltInTwoWaysIsSetOnce() throws {
        let set = """
            {"type": "setField", "field": "Status", "value": "a"},
            {"type": "setField", "field": "status", "value": "b"}
            """
        XCTAssertEqual(
            commands(try rulebook(rule(actions: set)), Facts(event: try change([:]))),
            [
                .updateRecord(
                    Sample.caseReference, fields: ["Status": "b"], options: RecordWriteOptions())
            ])
        let create = #"{"type": "createRecord", "object": "case", "fields": {"STATUS": "c"}}"#
        XCTAssertEqual(
            commands(
                try rulebook(rule("r", .incidentChange, actions: "\(set), \(create)")),
                Facts(event: try Sample.incidentEvent())),
            [
                .createRecord(
                    NewRecord(object: "case", fields: ["Status": "c"]), for: Sample.incident)
            ])
    }

    func testFieldsAreSetOnEachLinkedRecordForWhichTheRuleMatched() throws {
        let book = try rulebook(
            rule(
                "r", .incidentChange,
                when: #"{"field": "record.Status", "operator": "equals", "value": "New"}"#,
                actions: #"{"type": "setField", "field": "Status", "value": "{{incident.status}}"}"#
            ))
        let facts = Facts(
            event: try Sample.incidentEvent(),
            links: [Sample.link(), Sample.link(Sample.incident, Sample.secondCase)],
            records: [
                Sample.caseID: RecordFields(["Status": "Old"]),
                Sample.secondCase: RecordFields(["Status": "New"]),
            ])
        XCTAssertEqual(
            commands(book, facts),
            [
                .updateRecord(
                    RecordReference(object: "Case", id: Sample.secondCase),
                    fields: ["Status": "triggered"], options: RecordWriteOptions())
            ])
    }

    func testCreatesARecordOncePerRuleAndEvent() throws {
        let book = try rulebook(
            rule(
                "r", .incidentChange,
                actions: """
                    {"type": "createRecord", "object": "Task",
                     "fields": {"Subject": "{{incident.title}}", "Case__c": "{{record.Id}}"},
                     "externalId": {"field": "Key__c", "value": "{{incident.id}}"}}
                    """))
        let facts = Facts(
            event: try Sample.incidentEvent(),
            links: [Sample.link(), Sample.link(Sample.incident, Sample.secondCase)])
        XCTAssertEqual(
            commands(book, facts),
            [
                .createRecord(
                    NewRecord(
                        object: "Task",
                        fields: [
                            "Subject": "Checkout is down", "Case__c": .string(Sample.caseID.long),
                        ],
                        externalID: ExternalID(field: "Key__c", value: "Q1INCIDENT0001")),
                    for: Sample.incident)
            ])
    }

    func testANewRecordOfTheRulesObjectGetsItsSetFieldsToo() throws {
        let book = try rulebook(
            rule(
                "r", .incidentChange,
                actions: """
                    {"type": "createRecord", "object": "Case", "fields": {"Origin": "PagerDuty"}},
                    {"type": "setField", "field": "Subject", "value": "{{incident.title}}"},
                    {"type": "setField", "field": "Origin", "value": "overruled"}
                    """))
        let plan = book.plan(Facts(event: try Sample.incidentEvent()))
        XCTAssertEqual(
            plan.effects.map(\.command),
            [
                .createRecord(
                    NewRecord(
                        object: "Case",
                        fields: ["Subject": "Checkout is down", "Origin": "PagerDuty"]),
                    for: Sample.incident)
            ])
        XCTAssertEqual(plan.remarks, [])
    }

    func testARuleWithoutARecordLeavesARemark() throws {
        let book = try rulebook(
            rule(
                "r", .incidentChange,
                actions: """
                    {"type": "setField", "field": "Status", "value": "x"},
                    {"type": "addComment", "text": "c"}
                    """))
        let plan = book.plan(Facts(event: try Sample.incidentEvent()))
        XCTAssertEqual(plan.effects, [])
        XCTAssertEqual(plan.problems, [])
        XCTAssertEqual(
            plan.remarks.map(\.words),
            ["action 1: no record is linked", "action 2: no record is linked"])
    }

    func testDeliversTheVendorsPayloadUnlessThereIsABody() throws {
        func check(
            _ event: EventFacts, body: String, _ expected: JSON, line: UInt = #line
        ) throws {
            let action = #"{"type": "deliver", "path": "/services/apexrest/x"\#(body)}"#
            let book = try rulebook(
                rule("i", .incidentChange, actions: action), rule("r", actions: action))
            XCTAssertEqual(
                commands(book, Facts(event: event)),
                [.deliver(path: "/services/apexrest/x", body: expected)], line: line)
        }
        let v3 = try Sample.incidentEvent()
        try check(v3, body: "", ["event": try JSON(parsing: v3.event.payload)])
        let v2 = try Sample.v2(.resolved, ["event": "incident.resolve"])
        try check(v2, body: "", ["messages": [try JSON(parsing: v2.event.payload)]])
        let change = try change([:])
        try check(change, body: "", JSON(parsing: change.event.payload))
        try check(v3, body: #", "body": {"t": "{{incident.title}}"}"#, ["t": "Checkout is down"])
    }

    func testAProblemOfOneActionDoesNotHideTheOthers() throws {
        let book = try rulebook(
            rule(
                actions: """
                    {"type": "setField", "field": "A", "value": "{{record.Nothing | required}}"},
                    {"type": "addComment", "text": "c"}
                    """))
        let plan = book.plan(Facts(event: try change([:])))
        XCTAssertEqual(plan.effects.count, 1)
        XCTAssertEqual(plan.problems.map(\.cause.code), ["template.required"])
    }

    func testEveryEffectHasItsOwnKeyThatStaysTheSame() throws {
        let book = try rulebook(
            rule(
                "a",
                actions: """
                    {"type": "addNote", "text": "n"}, {"type": "acknowledgeIncident"},
                    {"type": "setField", "field": "A", "value": 1},
                    {"type": "addComment", "text": "c"},
                    {"type": "deliver", "path": "/services/apexrest/x"}
                    """),
            rule("b", actions: #"{"type": "addNote", "text": "m"}"#))
        let facts = Facts(
            event: try change([:]), links: [Sample.link("Q1"), Sample.link("Q2")])
        let keys = book.plan(facts).effects.map(\.key)
        XCTAssertEqual(Set(keys).count, keys.count)
        XCTAssertEqual(keys.first, "E1|set/a|0|Q1")
        XCTAssertEqual(book.plan(facts).effects.map(\.key), keys)
    }

    private func change(_ new: JSONObject) throws -> EventFacts {
        try Sample.change(old: ["Before__c": 1], new: new)
    }

    private func commands(_ book: Rulebook, _ facts: Facts) -> [Command] {
        book.plan(facts).effects.map(\.command)
    }
}
