import Automation
import JSON
import Models
import XCTest

final class PagerDutyNormalisationTests: XCTestCase {
    private let incident: JSON = ["type": "incident", "id": "QINC0000000001"]
    private let about: JSON = ["id": "QINC0000000001", "type": "incident_reference"]

    func testEveryV3TypeFindsItsIncident() {
        for type in [
            "triggered", "acknowledged", "unacknowledged", "resolved", "reassigned", "escalated",
            "delegated", "reopened", "priority_updated", "service_updated", "incident_type.changed",
        ] {
            check(v3: "incident.\(type)", incident, lane: .incident("QINC0000000001"))
        }
        for (type, data) in [
            ("annotated", "incident_note"), ("status_update_published", "incident_status_update"),
            ("responder.added", "incident_responder"), ("responder.replied", "incident_responder"),
            ("conference_bridge.updated", "incident_conference_bridge"),
            ("custom_field_values.updated", "incident_field_values"),
            ("task.created", "incident_task"), ("task.updated", "incident_task"),
            ("task.completed", "incident_task"),
            ("action_invocation.created", "incident_action_invocation"),
            ("action_invocation.updated", "incident_action_invocation"),
            ("action_invocation.terminated", "incident_action_invocation"),
            ("workflow.started", "incident_workflow_instance"),
            ("workflow.completed", "incident_workflow_instance"),
        ] {
            // The thing's own id is never the incident's.
            let data: JSON = ["type": .string(data), "id": "PNOTTHIS", "incident": about]
            check(v3: "incident.\(type)", data, lane: .incident("QINC0000000001"))
        }
        check(
            v3: "incident.role.assigned",
            [
                "type": "incident_role_assignment",
                "incident_role_assignments": [["id": "r", "incident": about]],
            ], lane: .incident("QINC0000000001"))
    }

    func testEveryV3TypeHasAKind() {
        let named = EventKind.IncidentChange.allCases.filter { $0 != .custom }
        for change in named {
            let event = normalised(v3: "incident.\(change.rawValue)", incident).event
            XCTAssertEqual(event.kind, .incident(change))
        }
        XCTAssertEqual(named.count, 26)
    }

    func testServicesAndPingsHaveKinds() {
        for type in ["created", "updated", "deleted"] {
            check(
                v3: "service.\(type)", ["type": "service", "id": "PSVC"], .service(type),
                lane: .service("PSVC"))
        }
        check(
            v3: "service.custom_field_values.updated",
            ["type": "service_field_values", "service": ["id": "PSVC"]],
            .service("custom_field_values.updated"), lane: .service("PSVC"))
        check(v3: "pagey.ping", ["type": "ping", "message": "hi"], .ping, lane: .connection)
    }

    func testAnUnknownKindIsNeverTakenForAKnownOne() {
        check(
            v3: "incident.teleported", incident, .unknown("incident.teleported"),
            lane: .incident("QINC0000000001"))
        for (type, kind) in [
            ("record.created", "pagerDuty.record.created"),
            ("ping", "pagerDuty.ping"), ("pagey.pong", "pagerDuty.pagey.pong"),
        ] {
            check(v3: type, incident, .unknown(kind), lane: .connection)
            // The kind stays unknown when it is read from the log.
            XCTAssertEqual(EventKind(rawValue: kind), .unknown(kind))
        }
    }

    func testAnUnreadableEventGoesToTheConnectionsLane() {
        let unreadable = EventKind.unknown("pagerDuty.no_incident.incident.triggered")
        for data: JSON in [
            [:], nil, "text", ["type": "incident"], ["type": "incident", "id": ""],
            ["type": "incident", "id": "a b"], ["type": "incident", "id": "\u{0}"],
            ["type": "incident", "id": .string(String(repeating: "x", count: 101))],
            ["type": "incident_note", "id": "PNOTTHIS"], ["incident_role_assignments": []],
        ] {
            check(v3: "incident.triggered", data, unreadable, lane: .connection)
        }
        for type: JSON in [nil, "", "a b", "\u{1B}[2J"] {
            let event = Normalisation.test.pagerDutyV3(["id": "e", "event_type": type]).event
            XCTAssertEqual(event.kind, .unknown("pagerDuty.no_type"))
        }
    }

    func testEveryV2EventHasAKind() {
        for (type, change) in [
            ("trigger", EventKind.IncidentChange.triggered), ("acknowledge", .acknowledged),
            ("unacknowledge", .unacknowledged), ("resolve", .resolved), ("assign", .reassigned),
            ("escalate", .escalated), ("delegate", .delegated), ("annotate", .annotated),
            ("custom", .custom),
        ] {
            let new = Normalisation.test.pagerDutyV2([
                "id": "0b6f2f6e-0000-4000-8000-000000000001", "event": .string("incident.\(type)"),
                "created_on": "2031-05-06T07:08:09-07:00", "incident": about,
            ])
            XCTAssertEqual(new.event.kind, .incident(change))
            XCTAssertEqual(new.event.lane, .incident("QINC0000000001"))
            XCTAssertEqual(new.event.format, .pagerDutyV2)
            XCTAssertEqual(new.event.occurredAt, Timestamp("2031-05-06T14:08:09Z"))
            XCTAssertEqual(
                new.deduplicationKey, "pagerDutyV2:0b6f2f6e-0000-4000-8000-000000000001")
        }
        for message: JSON in [
            ["event": "incident.snooze", "incident": about], ["event": "incident.trigger"],
            ["type": "incident.trigger", "data": ["incident": about]], "text", nil,
        ] {
            let event = Normalisation.test.pagerDutyV2(message).event
            XCTAssertEqual(event.lane, .connection)
            guard case .unknown = event.kind else { return XCTFail("\(event.kind)") }
        }
    }

    func testAnIdMayBeAnyPrintableText() {
        for id in [
            "01HTEST", "0b6f2f6e-0000", "12345678901234567890123456789012345678", "A!B/C+==",
        ] {
            let new = Normalisation.test.pagerDutyV3([
                "id": .string(id), "event_type": "pagey.ping",
            ])
            XCTAssertEqual(new.event.id, EventID(id))
            XCTAssertEqual(new.deduplicationKey, "pagerDutyV3:\(id)")
        }
        // Equal payloads without a usable id are one event.
        let first = Normalisation.test.pagerDutyV3(["id": "\n", "event_type": "x", "a": 1])
        let same = Normalisation.test.pagerDutyV3(["a": 1.0, "event_type": "x", "id": "\n"])
        let other = Normalisation.test.pagerDutyV3(["id": "\n", "event_type": "x", "a": 2])
        XCTAssertTrue(first.event.id.rawValue.hasPrefix("sha256-"))
        XCTAssertEqual(first.deduplicationKey, same.deduplicationKey)
        XCTAssertNotEqual(first.deduplicationKey, other.deduplicationKey)
    }

    func testTheTimeIsTheVendorsOrElseThatOfTheReceipt() {
        for (text, expected) in [
            ("2031-05-06T07:08:09.123Z", Timestamp("2031-05-06T07:08:09.123Z")),
            ("yesterday", Normalisation.test.receivedAt), ("", Normalisation.test.receivedAt),
        ] {
            let event = Normalisation.test.pagerDutyV3([
                "id": "e", "event_type": "pagey.ping", "occurred_at": .string(text),
            ]).event
            XCTAssertEqual(event.occurredAt, expected, text)
        }
    }

    func testThePayloadIsTheWholeEvent() throws {
        let event: JSON = [
            "id": "e", "event_type": "incident.triggered", "data": incident,
            "unheard_of": [1, nil],
        ]
        let payload = Normalisation.test.pagerDutyV3(event).event.payload
        XCTAssertEqual(try JSON(parsing: payload), event)
    }

    func testThePayloadIsTheEventAsItWasSent() throws {
        let sent = #"{ "id" : "e", "n":1.00, "t":"\u00e9\/", "data":{} }"#
        let body = try JSONOutline(parsing: Array(#"{"event": \#(sent) }"#.utf8))
        let event = try XCTUnwrap(body.root["event"])
        XCTAssertEqual(Normalisation.test.pagerDutyV3(event).event.payload, Array(sent.utf8))
    }

    func testABodyOfAnUnknownFormIsKept() throws {
        let new = Normalisation.test.unreadable([1, 2], from: .pagerDuty, as: .pagerDutyV3)
        XCTAssertEqual(new.event.kind, .unknown("pagerDuty.unreadable"))
        XCTAssertEqual(new.event.lane, .connection)
        XCTAssertEqual(try JSON(parsing: new.event.payload), [1, 2])
    }

    private func check(
        v3 type: String, _ data: JSON, _ kind: EventKind? = nil, lane: LaneKey, line: UInt = #line
    ) {
        let event = normalised(v3: type, data).event
        XCTAssertEqual(event.kind, kind ?? EventKind(rawValue: type), type, line: line)
        XCTAssertEqual(event.lane, lane, type, line: line)
        XCTAssertEqual(event.source, .pagerDuty, type, line: line)
        XCTAssertEqual(event.connection, "acme", type, line: line)
    }

    private func normalised(v3 type: String, _ data: JSON) -> NewEvent {
        Normalisation.test.pagerDutyV3(["id": "e1", "event_type": .string(type), "data": data])
    }
}
