import Automation
import JSON
import Models

/// One value that we write, remembered so that its echo is recognised.
struct JournalEntry: Hashable, Sendable {
    /// The incident or record, as its lane is named.
    var target: LaneKey
    /// Lower case; an aspect (`status`, `priority`, `assignment`) for incidents.
    var field: String
    /// One text for all forms in which the vendors send the value back.
    var value: String
}

extension Command {
    /// What the command will change and vendors will report back.
    var journalEntries: [JournalEntry] {
        switch self {
        case .updateRecord(let record, let fields, _):
            fields.members.map { .field($0.key, $0.value, of: record.id) }
        case .updateIncident(let id, .acknowledge):
            [.incident(id, .incidentStatus, Incident.Status.acknowledged.rawValue)]
        case .updateIncident(let id, .resolve):
            [.incident(id, .incidentStatus, Incident.Status.resolved.rawValue)]
        case .updateIncident(let id, .setPriority(let priority)):
            [.incident(id, .incidentPriority, priority)]
        case .updateIncident(let id, .reassign(.users(let users))):
            [.incident(id, .incidentAssignment, users.sorted().joined(separator: ","))]
        case .updateIncident(let id, .reassign(.escalationPolicy(let policy))):
            [.incident(id, .incidentAssignment, policy)]
        case .createIncident, .startWorkflow, .runResponsePlay, .addNote, .createRecord,
            .addComment, .deliver:
            []
        }
    }
}

extension EventFacts {
    /// What the journal would hold if this event only repeated our own writes.
    var possibleEchoes: [(echo: Echo, entry: JournalEntry)] {
        if let record { return record.possibleEchoes }
        guard let incident, let change = incidentChange else { return [] }
        let told: (Echo, String?)? =
            switch change {
            case .acknowledged, .resolved: (.incidentStatus, incident.status?.rawValue)
            case .priorityUpdated: (.incidentPriority, incident.priority??.id)
            case .reassigned:
                (
                    .incidentAssignment,
                    incident.assignees.map { $0.map(\.id).sorted().joined(separator: ",") }
                )
            case .delegated: (.incidentAssignment, incident.escalationPolicy?.id)
            case .triggered, .unacknowledged, .escalated, .reopened, .serviceUpdated,
                .incidentTypeChanged, .annotated, .statusUpdatePublished, .responderAdded,
                .responderReplied, .roleAssigned, .conferenceBridgeUpdated,
                .customFieldValuesUpdated, .taskCreated, .taskUpdated, .taskCompleted,
                .actionInvocationCreated, .actionInvocationUpdated, .actionInvocationTerminated,
                .workflowStarted, .workflowCompleted, .custom:
                nil
            }
        guard let (echo, value) = told, let value else { return [] }
        return [(echo, .incident(incident.id, echo, value))]
    }

    /// The id under which a note or comment of ours would be remembered.
    var mirroredID: MirroredID? {
        if let note, let id = note.id { return .note(id) }
        guard let record, record.reference.object == "CaseComment" else { return nil }
        return .comment(record.reference.id)
    }
}

extension RecordChangeFacts {
    fileprivate var possibleEchoes: [(echo: Echo, entry: JournalEntry)] {
        let names = Set(new.object.keys).union(old?.object.keys ?? [])
        return names.filter { old == nil || old?[$0] != new[$0] }
            .map { (.field($0), .field($0, new[$0], of: reference.id)) }
    }
}

extension JournalEntry {
    fileprivate static func field(_ name: String, _ value: JSON, of record: RecordID) -> Self {
        JournalEntry(target: .record(record), field: name.lowercased(), value: value.echoText)
    }

    fileprivate static func incident(_ id: IncidentID, _ aspect: Echo, _ value: String) -> Self {
        JournalEntry(target: .incident(id), field: "\(aspect)", value: value)
    }
}

extension JSON {
    /// Salesforce writes one value differently by channel: a number as text, another form of the
    /// same moment, null for an empty text (`reference/salesforce.md` 2.9).
    fileprivate var echoText: String {
        switch self {
        case .null: ""
        case .bool(let value): value ? "true" : "false"
        case .number(let number): number.int.map(String.init) ?? "\(number.double)"
        case .string(let text):
            if text.contains("T"), let moment = Timestamp(text) {
                // Salesforce keeps whole seconds.
                "\(moment.seconds)"
            } else {
                text
            }
        case .array, .object: String(decoding: canonicalBytes, as: UTF8.self)
        }
    }
}
