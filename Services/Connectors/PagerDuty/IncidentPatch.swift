import JSON
import Models

/// What to change about an incident; only what is set is sent.
public struct IncidentPatch: Hashable, Sendable {
    public enum Status: String, Sendable { case acknowledged, resolved }

    public var status: Status?
    /// Kept beside the resolution; only with `status == .resolved`.
    public var resolution: String?
    /// By id.
    public var priority: String?
    public var assignment: Assignment?
    public var urgency: Incident.Urgency?
    /// Cut to 1,024 characters.
    public var title: String?

    public init(
        status: Status? = nil, resolution: String? = nil, priority: String? = nil,
        assignment: Assignment? = nil, urgency: Incident.Urgency? = nil, title: String? = nil
    ) {
        self.status = status
        self.resolution = resolution
        self.priority = priority
        self.assignment = assignment
        self.urgency = urgency
        self.title = title
    }

    public init(_ update: IncidentUpdate) {
        switch update {
        case .acknowledge: self.init(status: .acknowledged)
        case .resolve(let resolution): self.init(status: .resolved, resolution: resolution)
        case .setPriority(let priority): self.init(priority: priority)
        case .reassign(let assignment): self.init(assignment: assignment)
        }
    }

    var body: JSON {
        var incident: JSONObject = ["type": "incident_reference"]
        incident["status"] = status.map { .string($0.rawValue) }
        incident["resolution"] = status == .resolved ? resolution.map(JSON.string) : nil
        incident["priority"] = priority.map { .reference("priority_reference", $0) }
        incident["urgency"] = urgency.map { .string($0.rawValue) }
        incident["title"] = title.map { .string($0.cut(utf16Max: PagerDuty.titleMax)) }
        if let assignment { incident.assign(assignment) }
        return ["incident": .object(incident)]
    }

    /// Whether the incident already is where `status` would bring it, or beyond.
    func isReached(by incident: Incident) -> Bool {
        switch (status, incident.status) {
        case (.acknowledged, .acknowledged), (.acknowledged, .resolved), (.resolved, .resolved):
            true
        case (_, _): false
        }
    }
}

extension NewIncident {
    var requestBody: JSON {
        var incident: JSONObject = [
            "type": "incident",
            "title": .string(title.cut(utf16Max: PagerDuty.titleMax)),
            "service": .reference("service_reference", service),
            "incident_key": .string(incidentKey),
        ]
        // The documentation says a string, its OpenAPI an object; strings work.
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
