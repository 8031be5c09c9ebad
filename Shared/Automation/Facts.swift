import Models

/// Everything an evaluation looks at. With the event and the rules' versions it is all that is
/// needed to evaluate again later.
public struct Facts: Hashable, Sendable {
    public var event: EventFacts
    /// Of the incident or the record of the event (`EventFacts.linkSubjects`).
    public var links: [Link]
    /// As fetched for `FactNeeds`.
    public var incidents: [IncidentID: Incident]
    /// As fetched for `FactNeeds`: for each record the fields asked for, null where it has none.
    public var records: [RecordID: RecordFields]
    /// Which of the changes only repeat what we wrote ourselves.
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

/// A change that we made ourselves, coming back.
public enum Echo: Hashable, Sendable {
    /// A field of the record that changed, by API name.
    case field(String)
    case incidentStatus
    case incidentPriority
    case incidentAssignment
    /// The record was created by us.
    case created
    /// The record was saved by us; which of its fields changed is not told.
    case saved
    /// The note or the comment was written by us: it mirrors one of the other side.
    case mirrored
}

/// What an evaluation wants to know beyond the event. Empty for most events: only rules that the
/// event alone does not rule out ask for more.
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
