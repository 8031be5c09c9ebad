import Models

/// The facts of an evaluation. With the event and the rules' versions they are all that is needed
/// to evaluate again later.
public struct Facts: Hashable, Sendable {
    public var event: EventFacts
    /// The links of the event's incident or record (`EventFacts.linkSubjects`).
    public var links: [Link]
    /// The incidents that were fetched for `FactNeeds`.
    public var incidents: [IncidentID: Incident]
    /// The records that were fetched for `FactNeeds`: the wanted fields of each, null where it has
    /// none.
    public var records: [RecordID: RecordFields]
    /// The changes that only repeat what Liaison wrote itself.
    public var echoes: Set<Echo>
    /// The whole text of a note that the webhook had cut.
    public var noteText: String?

    public init(
        event: EventFacts, links: [Link] = [], incidents: [IncidentID: Incident] = [:],
        records: [RecordID: RecordFields] = [:], echoes: Set<Echo> = [], noteText: String? = nil
    ) {
        self.event = event
        self.links = links
        self.incidents = incidents
        self.records = records
        self.echoes = echoes
        self.noteText = noteText
    }
}

extension Facts {
    /// - Parameter incident: the linked one, when it is known.
    public mutating func add(_ link: Link, _ incident: Incident?) {
        if !links.contains(link) { links.append(link) }
        if let incident { incidents[incident.id] = incident }
    }
}

/// A change that Liaison made itself and that comes back as an event.
public enum Echo: Hashable, Sendable {
    /// A field of the record that changed, by API name.
    case field(String)
    case incidentStatus
    case incidentPriority
    case incidentAssignment
    /// Liaison created the record.
    case created
    /// Liaison saved the record; the event does not tell which of its fields changed.
    case saved
    /// Liaison wrote the note or comment: it is a copy of one of the other side.
    case mirrored
}

/// The facts that an evaluation needs beyond the event. It is empty for most events: only rules
/// that the event alone does not rule out ask for more.
public struct FactNeeds: Hashable, Sendable {
    public var incidents: Set<IncidentID>
    /// Fields by API name.
    public var records: [RecordReference: Set<String>]
    /// The incident and the note whose text the webhook had cut.
    public var trimmedNote: NoteReference?

    public struct NoteReference: Hashable, Sendable {
        public var incident: IncidentID
        public var note: String

        public init(incident: IncidentID, note: String) {
            self.incident = incident
            self.note = note
        }
    }

    public init(
        incidents: Set<IncidentID> = [], records: [RecordReference: Set<String>] = [:],
        trimmedNote: NoteReference? = nil
    ) {
        self.incidents = incidents
        self.records = records
        self.trimmedNote = trimmedNote
    }

    /// Each field once, however rules spell it.
    mutating func insert(_ field: String, of record: RecordReference) {
        let isKnown = records[record]?.contains { Names.areSame($0, field) } ?? false
        if !isKnown { records[record, default: []].insert(field) }
    }

    public var isEmpty: Bool { incidents.isEmpty && records.isEmpty && trimmedNote == nil }
}
