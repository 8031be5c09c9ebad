/// An action of a rule that matches. Actions on incidents act on the incident that changed, or on
/// every incident linked to the record that changed. Actions on records act on the record that
/// changed, or on each linked record for which the rule matched.
public enum Action: Hashable, Sendable {
    /// Creates an incident unless the record has an open linked one. Only for rules on record
    /// changes.
    case createIncident(NewIncidentTemplate)
    case acknowledgeIncident
    case resolveIncident(resolution: Template?)
    /// Sets the priority with this id.
    case setIncidentPriority(Template)
    case startIncidentWorkflow(workflow: Template)
    /// Runs a response play. They left PagerDuty's API in 2025 (PagerDuty.md 55); rules that were
    /// made before keep working.
    case runResponsePlay(play: Template)
    case reassignIncident(AssignmentTemplate)
    case addNote(text: Template)
    /// Sets a field. Several such actions of one rule become one write.
    case setField(FieldTemplate, RecordWriteOptions)
    /// Creates a record once per event. A rule that creates a record of its own object without
    /// having one sets the new record's fields with its `setField` actions, too.
    case createRecord(NewRecordTemplate)
    case addComment(text: Template, isPublic: Bool)
    /// Sends a body to an Apex REST resource; without one, the vendor's own payload of the event.
    case deliver(path: String, body: ValueTemplate?)

    public var kind: ActionKind {
        switch self {
        case .createIncident: .createIncident
        case .acknowledgeIncident: .acknowledgeIncident
        case .resolveIncident: .resolveIncident
        case .setIncidentPriority: .setIncidentPriority
        case .startIncidentWorkflow: .startIncidentWorkflow
        case .runResponsePlay: .runResponsePlay
        case .reassignIncident: .reassignIncident
        case .addNote: .addNote
        case .setField: .setField
        case .createRecord: .createRecord
        case .addComment: .addComment
        case .deliver: .deliver
        }
    }
}

/// The name of an action, as a rule's `type` gives it.
public enum ActionKind: String, CaseIterable, Sendable {
    case createIncident, acknowledgeIncident, resolveIncident, setIncidentPriority
    case startIncidentWorkflow, runResponsePlay, reassignIncident, addNote
    case setField, createRecord, addComment, deliver
}

public struct NewIncidentTemplate: Hashable, Sendable {
    /// The service's id.
    public var service: Template
    public var title: Template
    public var body: Template?
    public var urgency: Incident.Urgency?
    /// The priority's id.
    public var priority: Template?
    public var assignment: AssignmentTemplate?

    public init(
        service: Template, title: Template, body: Template? = nil,
        urgency: Incident.Urgency? = nil, priority: Template? = nil,
        assignment: AssignmentTemplate? = nil
    ) {
        self.service = service
        self.title = title
        self.body = body
        self.urgency = urgency
        self.priority = priority
        self.assignment = assignment
    }
}

/// An assignment to users or to an escalation policy, by ids.
public enum AssignmentTemplate: Hashable, Sendable {
    case users([Template])
    case escalationPolicy(Template)
}

public struct FieldTemplate: Hashable, Sendable {
    /// API name.
    public var field: String
    public var value: ValueTemplate

    public init(field: String, value: ValueTemplate) {
        self.field = field
        self.value = value
    }
}

public struct NewRecordTemplate: Hashable, Sendable {
    public var object: String
    public var fields: [FieldTemplate]
    /// Makes the creation repeatable: an upsert by a unique external-id field.
    public var externalID: ExternalIDTemplate?
    public var options: RecordWriteOptions

    public struct ExternalIDTemplate: Hashable, Sendable {
        public var field: String
        public var value: Template

        public init(field: String, value: Template) {
            self.field = field
            self.value = value
        }
    }

    public init(
        object: String, fields: [FieldTemplate], externalID: ExternalIDTemplate? = nil,
        options: RecordWriteOptions = RecordWriteOptions()
    ) {
        self.object = object
        self.fields = fields
        self.externalID = externalID
        self.options = options
    }
}

extension Action {
    /// Every field that a template of the action reads.
    public var fields: [Field] {
        switch self {
        case .acknowledgeIncident: []
        case .createIncident(let new):
            [new.service, new.title].flatMap(\.fields) + (new.body?.fields ?? [])
                + (new.priority?.fields ?? []) + (new.assignment?.fields ?? [])
        case .resolveIncident(let resolution): resolution?.fields ?? []
        case .setIncidentPriority(let template), .startIncidentWorkflow(let template),
            .runResponsePlay(let template), .addNote(let template), .addComment(let template, _):
            template.fields
        case .reassignIncident(let assignment): assignment.fields
        case .setField(let field, _): field.value.fields
        case .createRecord(let new):
            new.fields.flatMap { $0.value.fields } + (new.externalID?.value.fields ?? [])
        case .deliver(_, let body): body?.fields ?? []
        }
    }
}

extension AssignmentTemplate {
    var fields: [Field] {
        switch self {
        case .users(let users): users.flatMap(\.fields)
        case .escalationPolicy(let policy): policy.fields
        }
    }
}
