import JSON

/// The stable name of one effect: the same event, rule and action give the same key on every
/// attempt, so that an effect is recorded once and found again. It is also the vendor's idempotency
/// key where there is one.
public struct EffectKey: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// - Parameter target: tells apart the effects of one action on several incidents or records.
    public init(event: EventID, rule: RuleID, ordinal: Int, target: String? = nil) {
        rawValue = "\(event)|\(rule)|\(ordinal)" + (target.map { "|\($0)" } ?? "")
    }
}

/// One request to a vendor, fully decided: it holds no template and no condition.
public struct Effect: Hashable, Sendable {
    public var key: EffectKey
    public var rule: RuleID
    /// The action's place in its rule, from 0.
    public var ordinal: Int
    public var command: Command

    public init(key: EffectKey, rule: RuleID, ordinal: Int, command: Command) {
        self.key = key
        self.rule = rule
        self.ordinal = ordinal
        self.command = command
    }
}

public enum Command: Hashable, Sendable {
    /// Creates an incident unless the record has an open linked one by then, and links it to the
    /// record.
    case createIncident(NewIncident, for: RecordReference)
    case updateIncident(IncidentID, IncidentUpdate)
    case startWorkflow(IncidentID, workflow: String)
    /// Runs a response play, for accounts that still have them (PagerDuty.md 55).
    case runResponsePlay(IncidentID, play: String)
    case addNote(IncidentID, text: String)
    case updateRecord(RecordReference, fields: JSONObject, options: RecordWriteOptions)
    /// Creates a record and links it to the incident, if there is one.
    case createRecord(NewRecord, for: IncidentID?)
    case addComment(RecordReference, text: String, isPublic: Bool)
    /// Sends a body to an Apex REST resource, `/services/apexrest/...`.
    case deliver(path: String, body: JSON)
}

public struct RecordReference: Hashable, Sendable {
    public var object: String
    public var id: RecordID

    public init(object: String, id: RecordID) {
        self.object = object
        self.id = id
    }

    public func isOf(_ object: String) -> Bool { Names.areSame(self.object, object) }

    public static func == (a: Self, b: Self) -> Bool { a.id == b.id && a.isOf(b.object) }
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

public struct NewIncident: Hashable, Sendable {
    public var title: String
    public var service: String
    /// PagerDuty's dedup key, unique among the open incidents of the service (PagerDuty.md 47).
    public var incidentKey: String
    public var body: String?
    public var urgency: Incident.Urgency?
    public var priority: String?
    public var assignment: Assignment?

    public init(
        title: String, service: String, incidentKey: String, body: String? = nil,
        urgency: Incident.Urgency? = nil, priority: String? = nil, assignment: Assignment? = nil
    ) {
        self.title = title
        self.service = service
        self.incidentKey = incidentKey
        self.body = body
        self.urgency = urgency
        self.priority = priority
        self.assignment = assignment
    }
}

/// The assignment of an incident to named users, which ends its escalation, or to a policy, which
/// PagerDuty calls delegating.
public enum Assignment: Hashable, Sendable {
    case users([String])
    case escalationPolicy(String)
}

public enum IncidentUpdate: Hashable, Sendable {
    /// Acknowledges an incident that is triggered. A late acknowledgement would reopen a resolved
    /// one and page people again (PagerDuty.md 49).
    case acknowledge
    case resolve(resolution: String?)
    /// Sets the priority with this id.
    case setPriority(String)
    case reassign(Assignment)
}

public struct NewRecord: Hashable, Sendable {
    public var object: String
    public var fields: JSONObject
    /// A unique external-id field and its value: makes the creation repeatable.
    public var externalID: ExternalID?
    public var options: RecordWriteOptions

    public init(
        object: String, fields: JSONObject, externalID: ExternalID? = nil,
        options: RecordWriteOptions = RecordWriteOptions()
    ) {
        self.object = object
        self.fields = fields
        self.externalID = externalID
        self.options = options
    }
}

public struct ExternalID: Hashable, Sendable {
    public var field: String
    public var value: String

    public init(field: String, value: String) {
        self.field = field
        self.value = value
    }
}

/// The options of a write to Salesforce (Salesforce.md 20 and 21).
public struct RecordWriteOptions: Hashable, Sendable {
    /// Off by default: the assignment rules would overwrite an owner and send mail.
    public var runsAssignmentRules = false
    /// Saves although a duplicate rule found a match, where that rule permits it.
    public var allowsDuplicate = false

    public init(runsAssignmentRules: Bool = false, allowsDuplicate: Bool = false) {
        self.runsAssignmentRules = runsAssignmentRules
        self.allowsDuplicate = allowsDuplicate
    }
}
