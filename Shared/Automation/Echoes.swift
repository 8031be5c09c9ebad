import JSON
import Models

/// One value that Liaison wrote, in the form in which it comes back as an event. The journal of our
/// own writes holds these; an event is compared with them (Salesforce.md 47).
public struct WrittenValue: Hashable, Sendable {
    /// `record:<15 characters>` or `incident:<id>`.
    public var target: String
    /// A field's API name in lower case, or a name of `Echo.name`.
    public var aspect: String
    /// The value in a form that is the same in every channel.
    public var value: String

    init(_ target: LaneKey, _ aspect: String, _ value: JSON) {
        self.target = target.rawValue
        self.aspect = aspect
        self.value = Self.canonical(value)
    }

    /// All blank values are equal. Date-times count to the second, which is all that Salesforce
    /// keeps; numbers count by value; white space at the ends is dropped.
    private static func canonical(_ value: JSON) -> String {
        if ValueReading.isBlank(value) { return "" }
        if let moment = ValueReading.moment(value) { return "time \(moment.seconds)" }
        if let number = ValueReading.number(value) { return "number \(number.double)" }
        guard let text = ValueReading.text(value) else {
            return String(decoding: value.canonicalBytes, as: UTF8.self)
        }
        return ValueReading.key(ValueReading.trimmed(text), caseSensitive: true)
    }
}

extension Command {
    /// The values that go into the journal before the command is sent.
    public var writtenValues: [WrittenValue] {
        switch self {
        case .updateRecord(let record, let fields, _):
            fields.members.map { WrittenValue(.record(record.id), $0.key.lowercased(), $0.value) }
        case .updateIncident(let incident, let update): [update.writtenValue(on: incident)]
        case .addNote(let incident, let text):
            [WrittenValue(.incident(incident), Echo.mirrored.name, .string(text))]
        case .addComment(let record, let text, _):
            [WrittenValue(.record(record.id), Echo.mirrored.name, .string(text))]
        // They come back as no value of the incident; the fuse counts them.
        case .startWorkflow(let incident, let id), .runResponsePlay(let incident, let id):
            [WrittenValue(.incident(incident), "@run", .string(id))]
        case .createIncident, .createRecord, .deliver: []
        }
    }

    /// The value that goes into the journal once the new record's id is known.
    public static func writtenValue(ofCreated record: RecordID) -> WrittenValue {
        WrittenValue(.record(record), Echo.created.name, .null)
    }
}

extension IncidentUpdate {
    fileprivate func writtenValue(on incident: IncidentID) -> WrittenValue {
        let lane = LaneKey.incident(incident)
        return switch self {
        case .acknowledge: WrittenValue(lane, Echo.incidentStatus.name, "acknowledged")
        case .resolve: WrittenValue(lane, Echo.incidentStatus.name, "resolved")
        case .setPriority(let id): WrittenValue(lane, Echo.incidentPriority.name, .string(id))
        case .reassign(.users(let users)):
            WrittenValue(lane, Echo.incidentAssignment.name, .list(users))
        case .reassign(.escalationPolicy(let policy)):
            WrittenValue(lane, Echo.incidentAssignment.name, .list([policy]))
        }
    }
}

extension JSON {
    fileprivate static func list(_ ids: [String]) -> JSON { .array(ids.sorted().map(JSON.string)) }
}

extension EventFacts {
    /// The values to look for in the journal, each with the echo that it proves.
    public var writtenValues: [WrittenValue: Echo] {
        if let record { return record.writtenValues }
        guard let incident, let change = incidentChange else { return [:] }
        let lane = LaneKey.incident(incident.id)
        switch change {
        case .acknowledged, .resolved:
            return [
                WrittenValue(lane, Echo.incidentStatus.name, .string(change.rawValue)):
                    .incidentStatus
            ]
        case .priorityUpdated:
            let priority = incident.value(of: .incidentPriorityID) ?? .null
            return [WrittenValue(lane, Echo.incidentPriority.name, priority): .incidentPriority]
        case .reassigned:
            let users = incident.assignees?.map(\.id) ?? []
            return [
                WrittenValue(lane, Echo.incidentAssignment.name, .list(users)): .incidentAssignment
            ]
        case .delegated:
            let policy = incident.escalationPolicy.map { [$0.id] } ?? []
            return [
                WrittenValue(lane, Echo.incidentAssignment.name, .list(policy)): .incidentAssignment
            ]
        case .annotated:
            return note.map {
                [WrittenValue(lane, Echo.mirrored.name, .string($0.text)): .mirrored]
            } ?? [:]
        case .triggered, .unacknowledged, .escalated, .reopened, .serviceUpdated,
            .incidentTypeChanged, .statusUpdatePublished, .responderAdded, .responderReplied,
            .roleAssigned, .conferenceBridgeUpdated, .customFieldValuesUpdated, .taskCreated,
            .taskUpdated, .taskCompleted, .actionInvocationCreated, .actionInvocationUpdated,
            .actionInvocationTerminated, .workflowStarted, .workflowCompleted, .custom:
            return [:]
        }
    }
}

extension RecordChangeFacts {
    fileprivate var writtenValues: [WrittenValue: Echo] {
        let lane = LaneKey.record(reference.id)
        var writtenValues: [WrittenValue: Echo] = [:]
        if isInsert {
            writtenValues[WrittenValue(lane, Echo.created.name, .null)] = .created
            if let parent = commentParent {
                let comment = WrittenValue(.record(parent), Echo.mirrored.name, new["CommentBody"])
                writtenValues[comment] = .mirrored
            }
        }
        for name in (changedFields ?? Set(new.names)).subtracting(Self.systemFields) {
            writtenValues[WrittenValue(lane, name, new[name])] = .field(name)
        }
        return writtenValues
    }

    /// The fields, in lower case, that Salesforce sets with every write of any user.
    static let systemFields: Set<String> = [
        "systemmodstamp", "lastmodifieddate", "lastmodifiedbyid", "lastvieweddate",
        "lastreferenceddate", "attributes",
    ]
}

extension Echo {
    /// The name of the field, or of the aspect: a word that no field can have.
    public var name: String {
        switch self {
        case .field(let name): name
        case .incidentStatus: "@status"
        case .incidentPriority: "@priority"
        case .incidentAssignment: "@assignment"
        case .created: "@created"
        case .saved: "@saved"
        case .mirrored: "@mirrored"
        }
    }

    public init(name: String) {
        let aspects: [Echo] = [
            .incidentStatus, .incidentPriority, .incidentAssignment, .created, .saved, .mirrored,
        ]
        self = aspects.first { $0.name == name } ?? .field(name)
    }

    var field: String? {
        guard case .field(let name) = self else { return nil }
        return name
    }
}

extension Facts {
    /// True if the event tells of nothing but our own writes: no rule is applied to it. The trigger
    /// of an incident never is, so that rules apply to an incident which Liaison created.
    public var isWhollyEcho: Bool {
        if let record = event.record {
            if record.isInsert { return !echoes.isDisjoint(with: [.created, .mirrored]) }
            guard let fields = record.changedFields else { return echoes.contains(.saved) }
            let changed = fields.subtracting(RecordChangeFacts.systemFields)
            let echoed = Set(echoes.compactMap(\.field).map { $0.lowercased() })
            return !changed.isEmpty && changed.isSubset(of: echoed)
        }
        switch event.incidentChange {
        case .acknowledged, .resolved: return echoes.contains(.incidentStatus)
        case .priorityUpdated: return echoes.contains(.incidentPriority)
        case .reassigned, .delegated: return echoes.contains(.incidentAssignment)
        case .annotated: return echoes.contains(.mirrored)
        case .triggered, .unacknowledged, .escalated, .reopened, .serviceUpdated,
            .incidentTypeChanged, .statusUpdatePublished, .responderAdded, .responderReplied,
            .roleAssigned, .conferenceBridgeUpdated, .customFieldValuesUpdated, .taskCreated,
            .taskUpdated, .taskCompleted, .actionInvocationCreated, .actionInvocationUpdated,
            .actionInvocationTerminated, .workflowStarted, .workflowCompleted, .custom, nil:
            return false
        }
    }
}
