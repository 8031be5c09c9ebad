import Automation
import JSON
import Models
import XCTest

final class FactsTests: XCTestCase {
    func testFetchedFactsCanBeReadBack() throws {
        let event = try Sample.note("begi", trimmed: true)
        var merged = Sample.fetched("Q2", status: .resolved)
        merged.mergedInto = "Q3"
        merged.priority = .some(nil)
        let facts = Facts(
            event: event, links: [Sample.link(), Sample.link("Q2", Sample.secondCase)],
            incidents: [
                Sample.incident: Sample.fetched(), "Q2": merged, "Q4": Incident(id: "Q4"),
            ],
            records: [Sample.caseID: RecordFields(["Status": nil, "Amount": 12.50])],
            echoes: [.field("Status"), .incidentStatus, .created, .mirrored],
            noteText: "beginning")
        let text = facts.json.text
        XCTAssertEqual(Facts(event: event, json: try JSON(parsing: text)), facts)
        XCTAssertEqual(Facts(event: event, json: facts.json).json.text, text)
        XCTAssertEqual(Facts(event: event, json: [:]), Facts(event: event))
        XCTAssertEqual(Facts(event: event).json, [:])
        XCTAssertEqual(Facts(event: event, json: ["links": 5, "records": ["x": 1]]).links, [])
    }

    func testAnEvaluationCanBeRepeatedFromTheLedger() throws {
        let book = try rulebook(
            rule(
                "r", .incidentChange,
                when: """
                    {"all": [{"field": "record.Status", "operator": "equals", "value": "New"},
                    {"field": "incident.service.id", "operator": "equals", "value": "PSVC01"},
                    {"field": "event.occurredAt", "operator": "withinLast", "value": "5m"}]}
                    """))
        let event = try Sample.note("hi")
        let facts = Facts(
            event: event, links: [Sample.link()], incidents: [Sample.incident: Sample.fetched()],
            records: [Sample.caseID: RecordFields(["Status": "New"])])
        let again = Facts(event: try EventFacts(event.event), json: facts.json)
        let first = book.explain(facts, now: Sample.now)
        XCTAssertEqual(first.map(\.isMatched), [true])
        XCTAssertEqual(book.explain(again, now: Sample.now), first)
    }

    /// A write comes back through another channel and in another form.
    func testAnEchoOfARecordsWriteIsRecognised() throws {
        func write(_ fields: JSONObject) -> Command {
            .updateRecord(Sample.caseReference, fields: fields, options: RecordWriteOptions())
        }
        let change = try Sample.change(
            old: ["Status": "New", "Gone": "x"],
            new: [
                "Status": "Closed", "Amount": 5, "Since": "2026-03-02T09:05:07.000+0000",
                "Done": true, "Owner": "005QZ00000ABCDEYA5", "Same": "x", "LastModifiedDate": "x",
            ])
        check(write(["status": "Closed"]), change, .field("status"))
        check(write(["Status": "closed"]), change, nil)
        check(write(["Status": " Closed "]), change, .field("status"))
        check(write(["Amount": 5.0]), change, .field("amount"))
        check(write(["Since": "2026-03-02T09:05:07Z"]), change, .field("since"))
        check(write(["Done": "true"]), change, .field("done"))
        check(write(["Owner": "005QZ00000ABCDE"]), change, .field("owner"))
        check(write(["Gone": nil]), change, .field("gone"))
        check(write(["Gone": ""]), change, .field("gone"))
        check(write(["Other": 1]), change, nil)
        check(write(["LastModifiedDate": "x"]), change, nil)
    }

    func testAnEchoOfAnIncidentsUpdateIsRecognised() throws {
        func update(_ update: IncidentUpdate) -> Command {
            .updateIncident(Sample.incident, update)
        }
        let acknowledged = try Sample.incidentEvent(.acknowledged)
        check(update(.acknowledge), acknowledged, .incidentStatus)
        check(update(.resolve(resolution: nil)), acknowledged, nil)
        check(.updateIncident("Q9", .acknowledge), acknowledged, nil)
        check(
            update(.resolve(resolution: "x")), try Sample.incidentEvent(.resolved), .incidentStatus)
        check(
            update(.setPriority("PPRI01")), try Sample.incidentEvent(.priorityUpdated),
            .incidentPriority)
        check(
            update(.setPriority("PPRI02")), try Sample.incidentEvent(.priorityUpdated), nil)
        check(
            update(.reassign(.users(["PUSR02", "PUSR01"]))), try Sample.incidentEvent(.reassigned),
            .incidentAssignment)
        check(
            update(.reassign(.escalationPolicy("PPOL01"))), try Sample.incidentEvent(.delegated),
            .incidentAssignment)
    }

    func testAnEchoOfANoteOrACommentIsRecognised() throws {
        check(.addNote(Sample.incident, text: "hi"), try Sample.note("hi\n"), .mirrored)
        check(.addNote(Sample.incident, text: "hi"), try Sample.note("ho"), nil)
        let comment = try Sample.change(
            old: nil, new: ["ParentId": .string(Sample.caseID.long), "CommentBody": "hi"],
            object: "CaseComment", id: Sample.commentID)
        check(.addComment(Sample.caseReference, text: "hi", isPublic: false), comment, .mirrored)
        XCTAssertEqual(
            comment.writtenValues[Command.writtenValue(ofCreated: Sample.commentID)], .created)
    }

    func testEchoesHaveNames() {
        for echo in [
            Echo.field("Status"), .incidentStatus, .incidentPriority, .incidentAssignment, .created,
            .mirrored,
        ] { XCTAssertEqual(Echo(name: echo.name), echo) }
    }

    private func check(
        _ command: Command, _ event: EventFacts, _ echo: Echo?, line: UInt = #line
    ) {
        let found = command.writtenValues.compactMap { event.writtenValues[$0] }
        XCTAssertEqual(found, echo.map { [$0] } ?? [], line: line)
    }
}
