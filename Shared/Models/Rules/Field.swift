/// A value that a condition or a template may read, by our own stable name and never by a payload's
/// path: one of a closed list, or any field of the record that the rule is about.
public enum Field: Hashable, Sendable {
    case fact(Fact)
    /// A field of the record by its API name, which is not case-sensitive (Salesforce.md 36).
    case record(String)

    public init?(_ name: String) {
        if let fact = Fact(rawValue: name) {
            self = .fact(fact)
            return
        }
        guard name.hasPrefix("record.") else { return nil }
        let field = String(name.dropFirst("record.".count))
        guard Names.isAPIName(field) else { return nil }
        self = .record(field)
    }

    public var name: String {
        switch self {
        case .fact(let fact): fact.rawValue
        case .record(let field): "record.\(field)"
        }
    }

    /// The names that exist, for the message about one that does not.
    static let known =
        Fact.allCases.map(\.rawValue).joined(separator: ", ")
        + ", record.<FieldApiName> (without dots: a record carries its own fields only)"
}

/// The names that are not a record's fields. What each means in the two directions:
///
/// - `incident.*` in a rule on incident changes is the incident that changed. In a rule on record
///   changes it is the linked incident; of several an open one before a resolved one, then the
///   newest.
/// - `record.*` in a rule on record changes is the record that changed, with its old values; a
///   field that an outbound message leaves out is that of the record as it is now. In a rule on
///   incident changes it is one linked record of the rule's object as it is now. Fields of its
///   parent records are not told (Salesforce.md 44).
public enum Fact: String, CaseIterable, Sendable {
    case incidentID = "incident.id"
    case incidentEventType = "incident.eventType"
    case incidentTitle = "incident.title"
    case incidentStatus = "incident.status"
    case incidentUrgency = "incident.urgency"
    case incidentNumber = "incident.number"
    case incidentURL = "incident.url"
    case incidentKey = "incident.key"
    case incidentServiceID = "incident.service.id"
    case incidentServiceName = "incident.service.name"
    case incidentEscalationPolicyID = "incident.escalationPolicy.id"
    case incidentEscalationPolicyName = "incident.escalationPolicy.name"
    case incidentPriorityID = "incident.priority.id"
    case incidentPriorityName = "incident.priority.name"
    /// The ids of the users.
    case incidentAssignees = "incident.assignees"
    case incidentAssigneeNames = "incident.assigneeNames"
    case incidentCreatedAt = "incident.createdAt"
    /// The id of the incident into which this one was merged.
    case incidentMergedInto = "incident.mergedInto"
    case noteID = "note.id"
    case noteText = "note.text"
    case customActionID = "customAction.id"
    case customActionName = "customAction.name"
    case workflowID = "workflow.id"
    case workflowName = "workflow.name"
    case responderName = "responder.name"
    case responderState = "responder.state"
    case responderMessage = "responder.message"
    case statusUpdateMessage = "statusUpdate.message"
    /// The author of the change: a PagerDuty user, service or integration, or a Salesforce user,
    /// who is known by id only.
    case agentID = "agent.id"
    case agentName = "agent.name"
    case eventID = "event.id"
    case eventOccurredAt = "event.occurredAt"
    /// The record was created just now. An outbound message does not tell.
    case recordIsNew = "record.isNew"
    /// The number of incidents that are linked to the record.
    case linkIncidents = "link.incidents"
    /// The number of records of the rule's object that are linked to the incident.
    case linkRecords = "link.records"
}

/// The type of a field's values, as far as it is known before there is an event.
public enum ValueType: String, Sendable {
    case text, number, boolean, moment, list
    /// The field of a record, whose type only its value tells.
    case any
}

extension Field {
    public var type: ValueType {
        switch self {
        case .fact(let fact): fact.type
        case .record: .any
        }
    }

    /// The reason for which the field has no meaning in a rule of this direction; nil if it has
    /// one.
    func problem(in direction: Rule.Direction) -> String? {
        guard case .fact(let fact) = self, let only = fact.direction, only != direction else {
            return nil
        }
        return "\(name) exists in rules of direction \(only.rawValue) only"
    }
}

extension Fact {
    var type: ValueType {
        switch self {
        case .incidentNumber, .linkIncidents, .linkRecords: .number
        case .incidentAssignees, .incidentAssigneeNames: .list
        case .incidentCreatedAt, .eventOccurredAt: .moment
        case .recordIsNew: .boolean
        case .incidentID, .incidentEventType, .incidentTitle, .incidentStatus, .incidentUrgency,
            .incidentURL, .incidentKey, .incidentServiceID, .incidentServiceName,
            .incidentEscalationPolicyID, .incidentEscalationPolicyName, .incidentPriorityID,
            .incidentPriorityName, .incidentMergedInto, .noteID, .noteText, .customActionID,
            .customActionName, .workflowID, .workflowName, .responderName, .responderState,
            .responderMessage, .statusUpdateMessage, .agentID, .agentName, .eventID:
            .text
        }
    }

    /// The only direction in which an event carries it; nil for both.
    var direction: Rule.Direction? {
        switch self {
        case .incidentEventType, .noteID, .noteText, .customActionID, .customActionName,
            .workflowID, .workflowName, .responderName, .responderState, .responderMessage,
            .statusUpdateMessage, .linkRecords:
            .incidentChange
        case .recordIsNew, .linkIncidents: .recordChange
        case .incidentID, .incidentTitle, .incidentStatus, .incidentUrgency, .incidentNumber,
            .incidentURL, .incidentKey, .incidentServiceID, .incidentServiceName,
            .incidentEscalationPolicyID, .incidentEscalationPolicyName, .incidentPriorityID,
            .incidentPriorityName, .incidentAssignees, .incidentAssigneeNames, .incidentCreatedAt,
            .incidentMergedInto, .agentID, .agentName, .eventID, .eventOccurredAt:
            nil
        }
    }

    /// All values of a field for which a misspelt one would make a condition that never holds.
    var values: [String]? {
        switch self {
        case .incidentEventType: EventKind.IncidentChange.allCases.map(\.ruleName)
        case .incidentStatus: Incident.Status.allCases.map(\.rawValue)
        case .incidentUrgency: Incident.Urgency.allCases.map(\.rawValue)
        case .incidentID, .incidentTitle, .incidentNumber, .incidentURL, .incidentKey,
            .incidentServiceID, .incidentServiceName, .incidentEscalationPolicyID,
            .incidentEscalationPolicyName, .incidentPriorityID, .incidentPriorityName,
            .incidentAssignees, .incidentAssigneeNames, .incidentCreatedAt, .incidentMergedInto,
            .noteID, .noteText, .customActionID, .customActionName, .workflowID, .workflowName,
            .responderName, .responderState, .responderMessage, .statusUpdateMessage, .agentID,
            .agentName, .eventID, .eventOccurredAt, .recordIsNew, .linkIncidents, .linkRecords:
            nil
        }
    }
}
