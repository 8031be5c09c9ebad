import JSON
import Models

/// The facts that one event tells, read from the vendor's payload. Nothing here was fetched.
public struct EventFacts: Hashable, Sendable {
    public let event: Event
    /// The incident as the event tells it; only a reference if the event is about a note, a
    /// workflow and the like.
    public var incident: Incident?
    public var record: RecordChangeFacts?
    public var note: NoteFacts?
    public var agent: Reference?
    /// The Custom Incident Action that was pressed; only V2 tells it (PagerDuty.md 34).
    public var customAction: CustomAction?
    public var workflow: Reference?
    public var responder: Responder?
    public var statusUpdate: String?
    /// The incident was resolved by being merged into another one.
    public var isMerge = false

    public struct NoteFacts: Hashable, Sendable {
        /// The note's id; V2 tells none (PagerDuty.md 33).
        public var id: String?
        public var text: String
        /// True if PagerDuty cut the text in the webhook (PagerDuty.md 11).
        public var isTrimmed = false
    }

    public struct CustomAction: Hashable, Sendable {
        /// The id of the webhook behind the button.
        public var id: String?
        /// The label of the button.
        public var name: String?
    }

    public struct Responder: Hashable, Sendable {
        public var name: String?
        /// `pending`, `accepted` and others; an open set.
        public var state: String?
        public var message: String?
    }

    /// Only the readers of the formats make such a value.
    init(event: Event) {
        self.event = event
    }
}

extension EventFacts {
    /// The change of the incident; nil if the event is about something else.
    public var incidentChange: EventKind.IncidentChange? {
        switch event.kind {
        case .incident(let change): change
        case .record, .service, .ping, .unknown: nil
        }
    }

    /// The direction of the rules that the event concerns; nil if it concerns none.
    public var direction: Rule.Direction? {
        switch event.kind {
        case .incident: incident == nil ? nil : .incidentChange
        case .record: record == nil ? nil : .recordChange
        case .service, .ping, .unknown: nil
        }
    }

    /// The incident, or the records, whose links the evaluation reads. A comment's incidents are
    /// those of the record that it belongs to.
    public var linkSubjects: (incident: IncidentID?, records: [RecordID]) {
        guard let record else { return (incident?.id, []) }
        return (nil, [record.reference.id] + (record.commentParent.map { [$0] } ?? []))
    }

    /// The event in the form in which its vendor would deliver it alone.
    func delivery() throws(UnreadableEvent) -> JSON {
        let payload = try event.parsedPayload().value
        return switch event.format {
        case .pagerDutyV3: ["event": payload]
        case .pagerDutyV2: ["messages": [payload]]
        case .apexTrigger, .outboundMessage: payload
        }
    }
}

/// The facts of one change of one record, as Salesforce told them.
public struct RecordChangeFacts: Hashable, Sendable {
    public var reference: RecordReference
    public var isInsert: Bool
    /// The user who saved the record, where the sender tells.
    public var userID: RecordID?
    public var new: RecordFields
    /// True if a field that `new` does not tell is null. An Apex trigger leaves out nothing but
    /// nulls (Salesforce.md 43), an outbound message also the fields that were not chosen for it.
    public var isWhole: Bool
    /// The fields before the change: empty on an insert, nil if the channel tells no old values (an
    /// outbound message).
    public var old: RecordFields?

    /// The user who saved the record.
    public var author: RecordID? {
        userID ?? new["LastModifiedById"].string.flatMap { RecordID($0) }
    }

    /// The record under which a case comment was written.
    var commentParent: RecordID? {
        guard reference.isOf("CaseComment") else { return nil }
        return new["ParentId"].string.flatMap(RecordID.init)
    }

    /// The names, in lower case, of the fields whose value has changed. Nil if no old values are
    /// told. Null, absent and the empty text are one value.
    public var changedFields: Set<String>? {
        guard let old else { return nil }
        let names = Set(new.names).union(old.names)
        return names.filter { !ValueReading.areEqual(old[$0], new[$0], caseSensitive: true) }
    }
}

/// A record's fields. Salesforce leaves out nulls and does not distinguish upper and lower case in
/// names (Salesforce.md 36 and 43), so an absent field reads as null; see `tells`.
public struct RecordFields: Hashable, Sendable {
    public let object: JSONObject
    /// The reasons for which fields cannot be read, by the field's name in lower case.
    public let obstacles: [String: String]
    private let byName: [String: JSON]

    public init(_ object: JSONObject = JSONObject(), obstacles: [String: String] = [:]) {
        self.object = object
        self.obstacles = obstacles
        byName = Dictionary(
            object.members.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { $1 })
    }

    public subscript(_ name: String) -> JSON { byName[name.lowercased()] ?? .null }

    /// True if the field was told at all, if only as null.
    public func tells(_ name: String) -> Bool { byName[name.lowercased()] != nil }

    /// The names of the fields, in lower case.
    var names: Dictionary<String, JSON>.Keys { byName.keys }

    public static func == (a: Self, b: Self) -> Bool {
        a.object == b.object && a.obstacles == b.obstacles
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(object) }
}
