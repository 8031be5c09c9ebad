import JSON

/// The kind of a command, by its name in logs and in the effect log.
public enum CommandKind: String, CaseIterable, Sendable {
    case createIncident, acknowledge, resolve, setPriority, reassign, startWorkflow
    case runResponsePlay, addNote, updateRecord, createRecord, addComment, deliver
}

extension Command {
    public var kind: CommandKind {
        switch self {
        case .createIncident: .createIncident
        case .updateIncident(_, .acknowledge): .acknowledge
        case .updateIncident(_, .resolve): .resolve
        case .updateIncident(_, .setPriority): .setPriority
        case .updateIncident(_, .reassign): .reassign
        case .startWorkflow: .startWorkflow
        case .runResponsePlay: .runResponsePlay
        case .addNote: .addNote
        case .updateRecord: .updateRecord
        case .createRecord: .createRecord
        case .addComment: .addComment
        case .deliver: .deliver
        }
    }

    /// The version of `canonicalBytes`. A released version never changes: what the effect log holds
    /// is compared with it for as long as it is kept. Whatever would give a command other bytes
    /// makes the next version.
    public static let encodingVersion = 1

    /// Everything that distinguishes the command, in one form that all releases share. Equal
    /// commands have equal bytes: the order of an object's members, the spelling of a number, the
    /// length of a record's id and the case of an object's name make no difference.
    public var canonicalBytes: [UInt8] {
        var encoder = CanonicalEncoder()
        encoder.text(kind.rawValue)
        encoder.arguments(of: self)
        return encoder.bytes
    }
}

/// Writes values so that no two sequences of values share their bytes: each says its type and its
/// length before its content.
private struct CanonicalEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func text(_ text: String) { append("s", text) }

    mutating func optional(_ text: String?) {
        if let text { self.text(text) } else { absent() }
    }

    mutating func absent() { bytes.append(UInt8(ascii: "n")) }

    mutating func flag(_ value: Bool) { bytes.append(UInt8(ascii: value ? "t" : "f")) }

    mutating func list<Element>(
        _ elements: [Element], _ encode: (inout CanonicalEncoder, Element) -> Void
    ) {
        bytes.append(contentsOf: "l\(elements.count):".utf8)
        for element in elements { encode(&self, element) }
    }

    /// Members stand in the order of their names' bytes.
    mutating func object(_ object: JSONObject) {
        bytes.append(contentsOf: "o\(object.count):".utf8)
        let members = object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for member in members {
            text(member.key)
            json(member.value)
        }
    }

    mutating func json(_ json: JSON) {
        switch json {
        case .null: absent()
        case .bool(let value): flag(value)
        case .number(let number): append("d", number.canonical)
        case .string(let text): self.text(text)
        case .array(let elements): list(elements) { $0.json($1) }
        case .object(let object): self.object(object)
        }
    }

    private mutating func append(_ type: String, _ content: String) {
        bytes.append(contentsOf: "\(type)\(content.utf8.count):".utf8)
        bytes.append(contentsOf: content.utf8)
    }
}

extension CanonicalEncoder {
    mutating func arguments(of command: Command) {
        switch command {
        case .createIncident(let new, let record):
            incident(new)
            self.record(record)
        case .updateIncident(let incident, let update):
            text(incident.rawValue)
            arguments(of: update)
        case .startWorkflow(let incident, let workflow):
            text(incident.rawValue)
            text(workflow)
        case .runResponsePlay(let incident, let play):
            text(incident.rawValue)
            text(play)
        case .addNote(let incident, let note):
            text(incident.rawValue)
            text(note)
        case .updateRecord(let record, let fields, let options):
            self.record(record)
            object(fields)
            self.options(options)
        case .createRecord(let new, let incident):
            self.record(new)
            optional(incident?.rawValue)
        case .addComment(let record, let comment, let isPublic):
            self.record(record)
            text(comment)
            flag(isPublic)
        case .deliver(let path, let body):
            text(path)
            json(body)
        }
    }

    private mutating func arguments(of update: IncidentUpdate) {
        switch update {
        case .acknowledge: break
        case .resolve(let resolution): optional(resolution)
        case .setPriority(let priority): text(priority)
        case .reassign(let assignment): self.assignment(assignment)
        }
    }

    private mutating func incident(_ new: NewIncident) {
        text(new.title)
        text(new.service)
        text(new.incidentKey)
        optional(new.body)
        optional(new.urgency?.rawValue)
        optional(new.priority)
        if let assignment = new.assignment { self.assignment(assignment) } else { absent() }
    }

    private mutating func assignment(_ assignment: Assignment) {
        switch assignment {
        case .users(let users):
            text("users")
            list(users) { $0.text($1) }
        case .escalationPolicy(let policy):
            text("escalationPolicy")
            text(policy)
        }
    }

    private mutating func record(_ record: RecordReference) {
        text(record.object.lowercased())
        text(record.id.key)
    }

    private mutating func record(_ new: NewRecord) {
        text(new.object.lowercased())
        object(new.fields)
        optional(new.externalID?.field)
        optional(new.externalID?.value)
        options(new.options)
    }

    private mutating func options(_ options: RecordWriteOptions) {
        flag(options.runsAssignmentRules)
        flag(options.allowsDuplicate)
    }
}
