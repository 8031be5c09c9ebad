import Automation
import JSON
import Models
import XCTest

final class EventFactsTests: XCTestCase {
    func testReadsTheIncidentOfAV3Event() throws {
        let facts = try Sample.incidentEvent(.priorityUpdated)
        XCTAssertEqual(facts.incident?.id, Sample.incident)
        XCTAssertEqual(facts.incident?.service, Reference(id: "PSVC01", name: "Checkout"))
        XCTAssertEqual(facts.incident?.isComplete, true)
        XCTAssertEqual(facts.agent, Reference(id: "PUSR01", name: "Ada"))
        XCTAssertEqual(facts.direction, .incidentChange)
        XCTAssertEqual(facts.linkSubjects.incident, Sample.incident)
    }

    private static let reference: JSON = ["id": "Q1INCIDENT0001", "summary": "Checkout is down"]

    func testReadsANoteOnAnIncident() throws {
        let note = try Sample.note("Resolution Note: rebooted", trimmed: true)
        XCTAssertEqual(note.note?.id, "PNOTE01")
        XCTAssertEqual(note.note?.isTrimmed, true)
        XCTAssertEqual(note.incident?.isComplete, false)
        XCTAssertEqual(note.incident?.title, "Checkout is down")
    }

    func testReadsWhatBelongsToAnIncident() throws {
        let workflow = try Sample.v3(
            .workflowStarted,
            [
                "type": "incident_workflow_instance", "id": "P1", "summary": "",
                "incident": Self.reference,
                "incident_workflow": ["id": "PWFL01", "summary": "Page the manager"],
            ])
        XCTAssertEqual(workflow.workflow, Reference(id: "PWFL01", name: "Page the manager"))

        let responder = try Sample.v3(
            .responderAdded,
            [
                "type": "incident_responder", "incident": Self.reference, "escalation_policy": nil,
                "user": ["id": "PUSR03", "summary": "Lin"], "message": "Please help",
                "state": "pending",
            ])
        XCTAssertEqual(responder.responder?.name, "Lin")
        XCTAssertEqual(responder.responder?.state, "pending")

        let update = try Sample.v3(
            .statusUpdatePublished,
            [
                "type": "incident_status_update", "id": "P2", "message": "Restarting",
                "incident": Self.reference,
            ])
        XCTAssertEqual(update.statusUpdate, "Restarting")

        let role = try Sample.v3(
            .roleAssigned,
            [
                "type": "incident_role_assignment",
                "incident_role_assignments": [["id": "x", "incident": Self.reference]],
            ])
        XCTAssertEqual(role.incident?.id, Sample.incident)
    }

    func testTheFactsNameTheIncidentOfTheLane() throws {
        let about: JSON = ["id": "QX1", "summary": "Checkout is down"]
        for (data, id) in [
            (["type": "incident", "id": "QX1", "incident": ["id": "QNOT"]], "QX1"),
            (["type": "incident", "id": 71], "71"),
            (["type": "incident_note", "id": "QNOT", "incident": about], "QX1"),
            (["incident_role_assignments": [["incident": nil], ["incident": about]]], "QX1"),
            (["incident_role_assignments": [["incident": [:]], ["incident": about]]], "QX1"),
            (["incident": ["id": ""], "incident_role_assignments": [["incident": about]]], "QX1"),
            (["incident": nil, "incident_role_assignments": [["incident": about]]], "QX1"),
            (["incident": [:], "incident_role_assignments": [5, ["incident": about]]], "QX1"),
        ] as [(JSON, String)] {
            let event = Normalisation.test.pagerDutyV3([
                "id": "E1", "event_type": "incident.role.assigned", "data": data,
            ]).event
            XCTAssertEqual(event.lane, .incident(IncidentID(id)), "\(data)")
            XCTAssertEqual(try EventFacts(event).incident?.id, IncidentID(id), "\(data)")
        }
        let message = Normalisation.test.pagerDutyV2([
            "id": "M1", "event": "incident.trigger", "incident": ["id": 71],
        ]).event
        XCTAssertEqual(message.lane, .incident("71"))
        XCTAssertEqual(try EventFacts(message).incident?.id, "71")
    }

    func testReadsV2Messages() throws {
        let custom = try Sample.v2(
            .custom,
            [
                "webhook": ["id": "PHOOK01", "name": "Salesforce"],
                "log_entries": [
                    [
                        "agent": ["id": "PUSR01", "summary": "Ada"],
                        "channel": ["type": "custom_web_trigger", "name": "Open a case"],
                    ]
                ],
            ])
        XCTAssertEqual(custom.customAction?.id, "PHOOK01")
        XCTAssertEqual(custom.customAction?.name, "Open a case")
        XCTAssertEqual(custom.agent?.name, "Ada")
        XCTAssertEqual(custom.incident?.service?.name, "Checkout")
        XCTAssertEqual(custom.incident?.assignees?.map(\.id), ["PUSR01"])

        let note = try Sample.v2(
            .annotated,
            ["log_entries": [["channel": ["type": "note", "summary": "s", "content": "looking"]]]])
        XCTAssertEqual(note.note?.text, "looking")
        XCTAssertNil(note.note?.id)
    }

    func testAMergeIsRecognised() throws {
        let target: JSON = ["type": "merge_resolve_reason", "incident": ["id": "Q2"]]
        let v3 = try Sample.incidentEvent(.resolved, with: ["resolve_reason": target])
        XCTAssertTrue(v3.isMerge)
        XCTAssertEqual(v3.incident?.mergedInto, "Q2")
        let v2 = try Sample.v2(.resolved, ["incident": ["id": "Q1", "resolve_reason": "merged"]])
        XCTAssertTrue(v2.isMerge)
        XCTAssertFalse(try Sample.incidentEvent(.resolved).isMerge)
    }

    func testReadsRecordChanges() throws {
        let update = try Sample.change(old: ["Status": "New"], new: ["Status": "Closed"])
        XCTAssertEqual(update.record?.reference, Sample.caseReference)
        XCTAssertEqual(update.record?.old?["status"], "New")
        XCTAssertEqual(update.record?.new["STATUS"], "Closed")
        XCTAssertEqual(update.agent?.id, "005QZ00000ABCDEYA5")
        XCTAssertEqual(update.direction, .recordChange)
        let insert = try Sample.change(old: nil, new: ["Status": "New"])
        XCTAssertEqual(insert.record?.isInsert, true)
        XCTAssertEqual(insert.record?.old?["Status"], .null)
        XCTAssertNil(try Sample.outbound(["Status": "New"]).record?.old)
    }

    func testACommentIsLinkedThroughItsRecord() throws {
        let comment = try Sample.change(
            old: nil, new: ["ParentId": .string(Sample.caseID.key), "CommentBody": "hello"],
            object: "CaseComment", id: Sample.commentID)
        XCTAssertEqual(comment.linkSubjects.records, [Sample.commentID, Sample.caseID])
    }

    func testAnUnreadableEventHasAReason() {
        func check(
            _ kind: EventKind, _ format: EventFormat, _ payload: JSON, line: UInt = #line
        ) {
            XCTAssertThrowsError(try EventFacts(Sample.event(kind, format, payload)), line: line) {
                XCTAssertEqual(
                    ($0 as? UnreadableEvent)?.cause.code, "event.unreadable", line: line)
            }
        }
        check(.incident(.triggered), .pagerDutyV3, [:])
        check(.incident(.triggered), .pagerDutyV3, ["data": "x"])
        check(.incident(.triggered), .pagerDutyV2, ["incident": ["title": "no id"]])
        check(.incident(.triggered), .apexTrigger, [:])
        check(.record(.updated), .apexTrigger, ["object": "Case"])
        check(.record(.updated), .apexTrigger, ["object": "Case", "new": ["Id": "short"]])
        check(.record(.updated), .outboundMessage, ["new": ["Id": "500QZ00000ABCDEYA5"]])
        var broken = Sample.event(.ping, .pagerDutyV3, [:])
        broken.payload = Array("{".utf8)
        XCTAssertThrowsError(try EventFacts(broken))
    }

    /// Limits of size are checked when the event is accepted, and not again.
    func testALongPayloadIsRead() throws {
        let text = JSON.string(String(repeating: "a", count: 300_000))
        XCTAssertEqual(try Sample.outbound(["Text__c": text]).record?.new["Text__c"], text)
        let fields = JSONObject((0..<10_001).map { ("F\($0)__c", 1) })
        XCTAssertEqual(try Sample.outbound(fields).record?.new["F10000__c"], 1)
    }

    func testOtherKindsConcernNoRule() throws {
        for kind in [EventKind.ping, .service("updated"), .unknown("x")] {
            let facts = try EventFacts(Sample.event(kind, .pagerDutyV3, ["message": "hi"]))
            XCTAssertNil(facts.direction)
        }
    }
}
