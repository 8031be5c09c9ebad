import JSON
import Models

extension IncidentUpdate {
    var requestBody: JSON {
        var incident: JSONObject = ["type": "incident_reference"]
        switch self {
        case .acknowledge:
            incident["status"] = "acknowledged"
        case .resolve(let resolution):
            incident["status"] = "resolved"
            incident["resolution"] = resolution.map(JSON.string)
        case .setPriority(let priority):
            incident["priority"] = .reference("priority_reference", priority)
        case .reassign(let assignment):
            incident.assign(assignment)
        }
        return ["incident": .object(incident)]
    }

    /// True if the status of the incident is already what the update asks for, or further.
    func isReached(by incident: Incident) -> Bool {
        switch self {
        case .acknowledge: incident.status == .acknowledged || incident.status == .resolved
        case .resolve: incident.status == .resolved
        case .setPriority, .reassign: false
        }
    }
}

extension NewIncident {
    var requestBody: JSON {
        var incident: JSONObject = [
            "type": "incident",
            "title": .string(title),
            "service": .reference("service_reference", service),
            "incident_key": .string(incidentKey),
        ]
        // A text, although the OpenAPI schema says object (PagerDuty.md 45).
        incident["body"] = body.map { ["type": "incident_body", "details": .string($0)] }
        incident["urgency"] = urgency.map { .string($0.rawValue) }
        incident["priority"] = priority.map { .reference("priority_reference", $0) }
        if let assignment { incident.assign(assignment) }
        return ["incident": .object(incident)]
    }
}

extension JSON {
    static func reference(_ type: String, _ id: String) -> JSON {
        ["id": .string(id), "type": .string(type)]
    }
}

extension JSONObject {
    fileprivate mutating func assign(_ assignment: Assignment) {
        switch assignment {
        case .users(let ids):
            self["assignments"] = .array(
                ids.map { ["assignee": .reference("user_reference", $0)] })
        case .escalationPolicy(let id):
            self["escalation_policy"] = .reference("escalation_policy_reference", id)
        }
    }
}
