import JSON

/// The stable name of one effect: the same event, rule and action give the same key on every
/// attempt, so that an effect is recorded once and found again. Also the vendor's idempotency
/// handle where there is one.
public struct EffectKey: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// - Parameter target: tells apart the effects of one action on several incidents or records.
    public init(event: EventID, rule: RuleID, ordinal: Int, target: String? = nil) {
        rawValue = "\(event)|\(rule)|\(ordinal)" + (target.map { "|\($0)" } ?? "")
    }
}

/// One thing to do at a vendor, fully decided: no template, no condition is left in it.
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
    /// Unless the record has an open linked incident by the time; links the new one to the record.
    case createIncident(NewIncident, for: RecordReference)
    case updateIncident(IncidentID, IncidentUpdate)
    case startWorkflow(IncidentID, workflow: String)
    /// Response plays left PagerDuty's API in 2025; kept for accounts that still have them.
    case runResponsePlay(IncidentID, play: String)
    case addNote(IncidentID, text: String)
    case updateRecord(RecordReference, fields: JSONObject, options: RecordWriteOptions)
    /// Links the new record to the incident, if there is one.
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
    /// PagerDuty's dedup key: unique among the open incidents of the service.
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

/// To named users (escalation ends) or to a policy (which PagerDuty calls delegating).
public enum Assignment: Hashable, Sendable {
    case users([String])
    case escalationPolicy(String)
}

public enum IncidentUpdate: Hashable, Sendable {
    /// Only while it is triggered: a late one would reopen a resolved incident and page again.
    case acknowledge
    case resolve(resolution: String?)
    /// By id.
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
    /// Off by default: Salesforce's own default would overwrite an owner and send mail.
    public var runsAssignmentRules = false
    /// Save although a duplicate rule found a match, where that rule permits it.
    public var allowsDuplicate = false

    public init(runsAssignmentRules: Bool = false, allowsDuplicate: Bool = false) {
        self.runsAssignmentRules = runsAssignmentRules
        self.allowsDuplicate = allowsDuplicate
    }
}
