import Automation
import JSON
import Models
import XCTest

/// Events as the vendors would send them, with invented ids, reduced to what a test is about.
enum Sample {
    static let connection: ConnectionID = "acme"
    static let now = moment("2026-03-02T12:00:00Z")
    static let caseID = record("500QZ00000ABCDEYA5")
    static let caseReference = RecordReference(object: "Case", id: caseID)
    static let secondCase = record("500QZ00000ABCDFYA5")
    static let commentID = record("00aQZ00000ABCDEYA5")
    static let incident: IncidentID = "Q1INCIDENT0001"

    static func moment(_ text: String) -> Timestamp {
        Timestamp(text) ?? Timestamp(milliseconds: 0)
    }

    static func record(_ text: String) -> RecordID {
        guard let id = RecordID(text) else { preconditionFailure("no record id: \(text)") }
        return id
    }

    static func event(
        _ kind: EventKind, _ format: EventFormat, _ payload: JSON, id: EventID = "E1"
    ) -> Event {
        Event(
            id: id, connection: connection,
            source: format == .pagerDutyV3 || format == .pagerDutyV2 ? .pagerDuty : .salesforce,
            kind: kind, occurredAt: moment("2026-03-02T11:59:00Z"), lane: "test", format: format,
            payload: payload.bytes)
    }

    /// A change of the sample case; `old` is `nil` on an insert.
    static func change(
        old: JSONObject?, new: JSONObject, object: String = "Case", id: RecordID = caseID,
        event: EventID = "E1"
    ) throws -> EventFacts {
        var new = new
        new["Id"] = .string(id.long)
        var payload: JSONObject = ["object": .string(object), "new": .object(new)]
        payload["isInsert"] = .bool(old == nil)
        payload["userId"] = "005QZ00000ABCDEYA5"
        if var old {
            old["Id"] = .string(id.long)
            payload["old"] = .object(old)
        }
        let kind = EventKind.record(old == nil ? .created : .updated)
        return try EventFacts(self.event(kind, .apexTrigger, .object(payload), id: event))
    }

    /// A record as an outbound message tells it: only texts, and no old values.
    static func outbound(_ new: JSONObject) throws -> EventFacts {
        var new = new
        new["Id"] = .string(caseID.long)
        return try EventFacts(
            event(.record(.updated), .outboundMessage, ["object": "Case", "new": .object(new)]))
    }

    static let incidentData: JSONObject = [
        "id": "Q1INCIDENT0001", "type": "incident", "number": 7, "status": "triggered",
        "title": "Checkout is down", "urgency": "high", "incident_key": "k-1",
        "html_url": "https://acme.example/incidents/Q1INCIDENT0001",
        "created_at": "2026-03-02T09:00:00Z",
        "service": ["id": "PSVC01", "summary": "Checkout"],
        "escalation_policy": ["id": "PPOL01", "summary": "First line"],
        "priority": ["id": "PPRI01", "summary": "P1"],
        "assignees": [["id": "PUSR01", "summary": "Ada"], ["id": "PUSR02", "summary": "Grace"]],
        "resolve_reason": nil,
    ]

    /// A V3 event that carries the incident whole.
    static func incidentEvent(
        _ change: EventKind.IncidentChange = .triggered, with changes: JSONObject = JSONObject()
    ) throws -> EventFacts {
        var data = incidentData
        for member in changes.members { data[member.key] = member.value }
        return try v3(change, .object(data))
    }

    static func v3(_ change: EventKind.IncidentChange, _ data: JSON) throws -> EventFacts {
        try EventFacts(
            event(
                .incident(change), .pagerDutyV3,
                [
                    "id": "E1", "event_type": .string("incident.\(change.rawValue)"),
                    "agent": ["id": "PUSR01", "summary": "Ada"], "data": data,
                ]))
    }

    static func note(
        _ text: String, trimmed: Bool = false
    ) throws -> EventFacts {
        try v3(
            .annotated,
            [
                "type": "incident_note", "id": "PNOTE01", "content": .string(text),
                "trimmed": .bool(trimmed),
                "incident": ["id": "Q1INCIDENT0001", "summary": "Checkout is down"],
            ])
    }

    static func v2(_ change: EventKind.IncidentChange, _ message: JSONObject) throws -> EventFacts {
        var message = message
        if message["incident"] == nil {
            message["incident"] = [
                "id": "Q1INCIDENT0001", "incident_number": 7, "status": "triggered",
                "title": "Checkout is down", "urgency": "high",
                "service": ["id": "PSVC01", "name": "Checkout"], "priority": nil,
                "assignments": [["assignee": ["id": "PUSR01", "summary": "Ada"]]],
            ]
        }
        return try EventFacts(event(.incident(change), .pagerDutyV2, .object(message)))
    }

    static func link(
        _ incident: IncidentID = incident, _ record: RecordID = caseID, object: String = "Case"
    ) -> Link {
        Link(incident: incident, object: object, record: record)
    }

    /// An incident as a GET would tell it.
    static func fetched(
        _ id: IncidentID = incident, status: Incident.Status = .triggered, number: Int = 7
    ) -> Incident {
        var data = incidentData
        data["id"] = .string(id.rawValue)
        data["status"] = .string(status.rawValue)
        data["number"] = .number(JSONNumber(number))
        return Incident(JSON.object(data)) ?? Incident(id: id)
    }
}

/// A rule as a user writes it.
func rule(
    _ id: String = "r", _ direction: Rule.Direction = .recordChange, object: String = "Case",
    when: String = #"{"always": true}"#, actions: String = #"{"type": "acknowledgeIncident"}"#,
    onMerge: String = "skip", file: StaticString = #filePath, line: UInt = #line
) -> String {
    """
    {"id": "\(id)", "object": "\(object)", "direction": "\(direction.rawValue)",
     "onMerge": "\(onMerge)", "when": \(when), "actions": [\(actions)]}
    """
}

func rulebook(
    _ rules: String..., mappings: [ObjectMapping] = [], file: StaticString = #filePath,
    line: UInt = #line
) throws -> Rulebook {
    let text = #"[{"name": "set", "rules": [\#(rules.joined(separator: ","))]}]"#
    let problems = JSONProblems()
    let reader = JSONReader(try JSON(parsing: text), problems: problems)
    let rulesets = Ruleset.list(checking: reader)
    XCTAssertEqual(problems.all, [], file: file, line: line)
    return Rulebook(
        connection: Sample.connection, version: 1, rulesets: rulesets ?? [], mappings: mappings)
}

extension Rulebook {
    func plan(_ facts: Facts) -> Plan { plan(judge(facts, now: Sample.now).matches, facts) }
}
