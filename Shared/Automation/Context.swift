import JSON
import Models

/// The value of a field as far as it is known.
enum FieldValue: Hashable {
    case known(JSON)
    /// The thing that the field describes does not exist; the text says which.
    case missing(String)
    /// The vendor does not tell the value; the text is its own.
    case unreadable(String)
    /// A call to the vendor will tell the value.
    case unfetched
}

/// One event with its facts, prepared once for all rules. It is a class because thousands of rules
/// read it, and a copy of all facts for each would cost more than the reading.
final class Context {
    let facts: Facts
    let now: Timestamp
    /// The names, in lower case, of the record's fields that changed and are no echo of ours. Nil
    /// if the event tells no old values.
    let changedFields: Set<String>?
    /// The incidents that are linked to the record that changed, each once.
    let linkedIncidents: [IncidentID]
    /// The incident that `incident.*` means in a rule on record changes; nil if it is not known.
    let linkedIncident: Incident?
    let isWhollyEcho: Bool
    /// The direction of the rules that the event concerns.
    let direction: Rule.Direction?
    /// The object of the changed record, in lower case.
    let object: String?
    /// The texts that conditions have read already, for fields that all rules see alike.
    var texts: [Field: FoldedText] = [:]

    init(_ facts: Facts, now: Timestamp) {
        self.facts = facts
        self.now = now
        let echoed = Set(facts.echoes.compactMap(\.field).map { $0.lowercased() })
        changedFields = facts.event.record?.changedFields?.subtracting(echoed)
        linkedIncidents = Self.linkedIncidents(facts)
        linkedIncident = Self.best(linkedIncidents, facts)
        isWhollyEcho = facts.isWhollyEcho
        direction = facts.event.direction
        object = facts.event.record?.reference.object.lowercased()
    }

    /// The links of the changed record and, for a comment, of the record that it belongs to.
    private static func linkedIncidents(_ facts: Facts) -> [IncidentID] {
        let records = Set(facts.event.linkSubjects.records)
        var seen: Set<IncidentID> = []
        return facts.links.filter { records.contains($0.record) }.map(\.incident)
            .filter { seen.insert($0).inserted }
    }

    /// Prefers an open incident to a resolved one, then the newest.
    private static func best(_ linked: [IncidentID], _ facts: Facts) -> Incident? {
        let known = linked.compactMap { facts.incidents[$0] }
        if known.isEmpty { return linked.count == 1 ? linked.first.map { Incident(id: $0) } : nil }
        return known.max { a, b in
            if a.isOpen != b.isOpen { return b.isOpen }
            if a.number != b.number { return (a.number ?? 0) < (b.number ?? 0) }
            return a.id < b.id
        }
    }

    /// The records of an object that are linked to the event's incident.
    func linkedRecords(of object: String) -> [RecordReference] {
        guard let incident = facts.event.incident else { return [] }
        let name = object.lowercased()
        var seen: Set<RecordID> = []
        return facts.links
            .filter { $0.incident == incident.id && $0.object.lowercased() == name }
            .filter { seen.insert($0.record).inserted }
            .map { RecordReference(object: $0.object, id: $0.record) }
    }
}

extension Incident {
    var isOpen: Bool { status == .triggered || status == .acknowledged }
}

/// The values that one rule reads from one event.
struct RuleScope {
    let context: Context
    let object: String
    /// The record that the rule is applied to: the changed record, or a linked one.
    let record: RecordReference?

    private var facts: Facts { context.facts }
    private var event: EventFacts { context.facts.event }

    func value(of field: Field) -> FieldValue {
        switch field {
        case .record(let name): recordValue(name)
        case .fact(let fact): value(of: fact)
        }
    }

    /// True if every rule reads the same value: it is the event's, not a linked record's.
    func isShared(_ field: Field) -> Bool {
        switch field {
        case .record: event.record != nil
        case .fact(let fact): fact != .linkRecords
        }
    }

    /// The value before the change; nil if the event tells none.
    func oldValue(of field: Field) -> JSON? {
        switch field {
        case .record(let name): event.record?.old?[name]
        case .fact: nil
        }
    }

    /// Prefers the event's own value to a fetched one, as for incidents.
    private func recordValue(_ name: String) -> FieldValue {
        if let change = event.record, change.isWhole || change.new.tells(name) {
            return .known(change.new[name])
        }
        guard let record else { return .missing("no record of \(object) is linked") }
        if name.lowercased() == "id" { return .known(.string(record.id.long)) }
        guard let fields = facts.records[record.id] else { return .unfetched }
        if let obstacle = fields.obstacles[name.lowercased()] { return .unreadable(obstacle) }
        return fields.tells(name) ? .known(fields[name]) : .unfetched
    }

    private func value(of fact: Fact) -> FieldValue {
        switch fact {
        case .incidentEventType:
            told(event.incidentChange.map { .string($0.ruleName) }, "an incident's change")
        case .incidentID, .incidentTitle, .incidentStatus, .incidentUrgency, .incidentNumber,
            .incidentURL, .incidentKey, .incidentServiceID, .incidentServiceName,
            .incidentEscalationPolicyID, .incidentEscalationPolicyName, .incidentPriorityID,
            .incidentPriorityName, .incidentAssignees, .incidentAssigneeNames, .incidentCreatedAt,
            .incidentMergedInto:
            incidentValue(fact)
        case .noteID: told(event.note.map { .text($0.id) }, "a note")
        case .noteText: noteText
        case .customActionID: told(event.customAction.map { .text($0.id) }, "a custom action")
        case .customActionName: told(event.customAction.map { .text($0.name) }, "a custom action")
        case .workflowID: told(event.workflow.map { .string($0.id) }, "a workflow")
        case .workflowName: told(event.workflow.map { .text($0.name) }, "a workflow")
        case .responderName: told(event.responder.map { .text($0.name) }, "a responder")
        case .responderState: told(event.responder.map { .text($0.state) }, "a responder")
        case .responderMessage: told(event.responder.map { .text($0.message) }, "a responder")
        case .statusUpdateMessage: told(event.statusUpdate.map(JSON.string), "a status update")
        case .agentID: agent(event.agent?.id, "the user's id")
        case .agentName: agent(event.agent?.name, "the user's name")
        case .eventID: .known(.string(event.event.id.rawValue))
        case .eventOccurredAt: .known(.string(event.event.occurredAt.iso8601))
        case .recordIsNew: isNew
        case .linkIncidents: .known(.number(JSONNumber(context.linkedIncidents.count)))
        case .linkRecords:
            .known(.number(JSONNumber(context.linkedRecords(of: object).count)))
        }
    }

    private func told(_ value: JSON?, _ what: String) -> FieldValue {
        value.map(FieldValue.known) ?? .missing("the event does not carry \(what)")
    }

    /// The agent of an incident's change may be null, since automations change incidents too. The
    /// user who saved a record exists, even if the event does not tell.
    private func agent(_ text: String?, _ what: String) -> FieldValue {
        event.record == nil ? .known(.text(text)) : told(text.map(JSON.string), what)
    }

    private var isNew: FieldValue {
        guard event.event.format != .outboundMessage else {
            return .missing("an outbound message does not tell whether the record is new")
        }
        return told(event.record.map { .bool($0.isInsert) }, "a record")
    }

    private var noteText: FieldValue {
        if let whole = facts.noteText { return .known(.string(whole)) }
        if let note = event.note, note.isTrimmed, note.id != nil { return .unfetched }
        return told(event.note.map { .string($0.text) }, "a note")
    }

    /// Prefers the event's own value to a fetched one: it is the state at the event, not of today.
    private func incidentValue(_ fact: Fact) -> FieldValue {
        let told = event.record == nil ? event.incident : context.linkedIncident
        guard let told else {
            return context.linkedIncidents.isEmpty ? .missing("no incident is linked") : .unfetched
        }
        if let value = told.value(of: fact) { return .known(value) }
        let fetched = facts.incidents[told.id]
        if let value = fetched?.value(of: fact) { return .known(value) }
        return told.isComplete || fetched != nil ? .known(.null) : .unfetched
    }
}

extension JSON {
    static func text(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }
}

extension Incident {
    /// Returns nil if the message did not tell, or if this is no field of an incident.
    func value(of fact: Fact) -> JSON? {
        switch fact {
        case .incidentID: .string(id.rawValue)
        case .incidentTitle: title.map(JSON.string)
        case .incidentStatus: status.map { .string($0.rawValue) }
        case .incidentUrgency: urgency.map { .string($0.rawValue) }
        case .incidentNumber: number.map { .number(JSONNumber($0)) }
        case .incidentURL: url.map(JSON.string)
        case .incidentKey: incidentKey.map(JSON.string)
        case .incidentServiceID: service.map { .string($0.id) }
        case .incidentServiceName: service?.name.map(JSON.string)
        case .incidentEscalationPolicyID: escalationPolicy.map { .string($0.id) }
        case .incidentEscalationPolicyName: escalationPolicy?.name.map(JSON.string)
        case .incidentPriorityID: priority.map { .text($0?.id) }
        case .incidentPriorityName: priority.map { .text($0?.name) }
        case .incidentAssignees: assignees.map { .array($0.map { .string($0.id) }) }
        case .incidentAssigneeNames:
            assignees.map { .array($0.map { .string($0.name ?? $0.id) }) }
        case .incidentCreatedAt: createdAt.map { .string($0.iso8601) }
        case .incidentMergedInto: mergedInto.map { .string($0.rawValue) }
        case .incidentEventType, .noteID, .noteText, .customActionID, .customActionName,
            .workflowID, .workflowName, .responderName, .responderState, .responderMessage,
            .statusUpdateMessage, .agentID, .agentName, .eventID, .eventOccurredAt, .recordIsNew,
            .linkIncidents, .linkRecords:
            nil
        }
    }
}
