import JSON

/// A reference to a resource of PagerDuty: its id, and its name at the time of sending
/// (PagerDuty.md 6).
public struct Reference: Hashable, Sendable {
    public var id: String
    public var name: String?

    public init(id: String, name: String? = nil) {
        self.id = id
        self.name = name
    }

    /// Reads the name from `summary` in V3 and REST, from `name` in V2. Only the id is required.
    public init?(_ json: (some JSONReadable)?) {
        guard let json, let id = json.present("id")?.string else { return nil }
        let name = json.present("name")?.string ?? json.present("summary")?.string
        self.init(id: id, name: name)
    }
}

/// An incident as one message or answer tells it. Only the id is certain: messages leave out keys
/// (PagerDuty.md 7), and a note or a workflow tells the id and the title only.
public struct Incident: Hashable, Sendable {
    public enum Status: String, CaseIterable, Sendable { case triggered, acknowledged, resolved }
    public enum Urgency: String, CaseIterable, Sendable { case high, low }

    public var id: IncidentID
    public var number: Int?
    public var title: String?
    public var status: Status?
    public var urgency: Urgency?
    public var service: Reference?
    public var escalationPolicy: Reference?
    /// `.some(nil)`: the incident has no priority. `nil`: not told.
    public var priority: Reference??
    public var assignees: [Reference]?
    public var incidentKey: String?
    public var url: String?
    public var createdAt: Timestamp?
    /// The incident into which this one was merged.
    public var mergedInto: IncidentID?

    public init(id: IncidentID) { self.id = id }

    /// True if this is all that a rule may ask for, false if it is only a reference.
    public var isComplete: Bool { status != nil && service != nil }
}

extension Incident {
    /// Reads the incident of a V3 event, a V2 message or a REST answer; the three differ in a few
    /// names only (PagerDuty.md 31).
    public init?(_ json: (some JSONReadable)?) {
        guard let json, let id = json.present("id")?.string else { return nil }
        self.init(id: IncidentID(id), json)
    }

    /// Reads an incident whose id was read already.
    public init(id: IncidentID, _ json: some JSONReadable) {
        self.init(id: id)
        number = json.present("number")?.int ?? json.present("incident_number")?.int
        title = json.present("title")?.string ?? json.present("summary")?.string
        status = json.present("status")?.string.flatMap(Status.init)
        urgency = json.present("urgency")?.string.flatMap(Urgency.init)
        service = Reference(json.present("service"))
        escalationPolicy = Reference(json.present("escalation_policy"))
        if let priority = json["priority"] { self.priority = .some(Reference(priority)) }
        assignees = Self.assignees(json)
        incidentKey = json.present("incident_key")?.string
        url = json.present("html_url")?.string
        createdAt = json.present("created_at")?.string.flatMap(Timestamp.init)
        mergedInto = json["resolve_reason"]?["incident"]?.present("id")?.string.map(IncidentID.init)
    }

    private static func assignees(_ json: some JSONReadable) -> [Reference]? {
        if let assignees = json.present("assignees")?.elements {
            return assignees.compactMap { Reference($0) }
        }
        return json.present("assignments")?.elements?.compactMap { Reference($0["assignee"]) }
    }
}
