import JSON

/// Short forms of rules.
enum Rules {
    static func onRecord(
        _ id: String, _ object: String = "Case", when: JSON, _ actions: JSON...
    ) -> JSON {
        rule(id, object, "recordChange", when, actions)
    }

    static func onIncident(
        _ id: String, _ object: String = "Case", when: JSON, _ actions: JSON...
    ) -> JSON {
        rule(id, object, "incidentChange", when, actions)
    }

    static func condition(_ field: String, _ operator: String, _ value: JSON? = nil) -> JSON {
        var condition: JSONObject = [
            "field": .string(field), "operator": .string(`operator`),
        ]
        condition["value"] = value
        return .object(condition)
    }

    static let always: JSON = ["always": true]

    static func all(_ conditions: JSON...) -> JSON { ["all": .array(conditions)] }

    static func event(_ name: String) -> JSON {
        condition("incident.eventType", "equals", .string(name))
    }

    static func set(_ field: String, _ value: JSON) -> JSON {
        ["type": "setField", "field": .string(field), "value": value]
    }

    static func note(_ text: String) -> JSON { ["type": "addNote", "text": .string(text)] }
    static func comment(_ text: String) -> JSON { ["type": "addComment", "text": .string(text)] }

    static let setNumber = set("PagerDuty_Incident_Number__c", "{{incident.number}}")

    static let createIncident: JSON = [
        "type": "createIncident", "service": "PSVCHK1", "title": "Case: {{record.Subject}}",
    ]

    /// An urgent case pages, a case shows the status of its incident, and each follows the other.
    static let mainJob: [JSON] = [
        onRecord("page", when: condition("record.Priority", "changedTo", "High"), createIncident),
        onRecord(
            "close", when: condition("record.Status", "changedTo", "Closed"),
            ["type": "resolveIncident"], set("PagerDuty_Status__c", "resolved")),
        onRecord(
            "work", when: condition("record.Status", "changedTo", "Working"),
            ["type": "acknowledgeIncident"], set("PagerDuty_Status__c", "acknowledged")),
        onIncident(
            "show", when: always,
            set("PagerDuty_Incident_Id__c", "{{incident.id}}"),
            set("PagerDuty_Status__c", "{{incident.status}}")),
        onIncident("acknowledged", when: event("acknowledge"), set("Status", "Working")),
        onIncident("resolved", when: event("resolve"), set("Status", "Closed")),
    ]

    private static func rule(
        _ id: String, _ object: String, _ direction: String, _ when: JSON, _ actions: [JSON]
    ) -> JSON {
        [
            "id": .string(id), "object": .string(object), "direction": .string(direction),
            "when": when, "actions": .array(actions),
        ]
    }
}
