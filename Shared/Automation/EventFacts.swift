import JSON
import Models

/// What one event tells, read from the vendor's words. Nothing here was fetched.
public struct EventFacts: Hashable, Sendable {
    public let event: Event
    /// As told; only a reference when the event is about a note, a workflow and the like.
    public var incident: Incident?
    public var record: RecordChangeFacts?
    public var note: NoteFacts?
    public var agent: Reference?
    /// Only V2 carries it.
    public var customAction: CustomAction?
    public var workflow: Reference?
    public var responder: Responder?
    public var statusUpdate: String?
    /// The incident was resolved by being merged into another one.
    public var isMerge = false

    public struct NoteFacts: Hashable, Sendable {
        /// V2 tells none.
        public var id: String?
        public var text: String
        /// PagerDuty cut the text in the webhook; the whole is at `GET /incidents/{id}/notes`.
        public var isTrimmed = false
    }

    public struct CustomAction: Hashable, Sendable {
        /// Of the webhook behind the button.
        public var id: String?
        /// What the button says.
        public var name: String?
    }

    public struct Responder: Hashable, Sendable {
        public var name: String?
        /// `pending`, `accepted`, ... an open set.
        public var state: String?
        public var message: String?
    }

    /// Only the readers of the formats make one.
    init(event: Event) {
        self.event = event
    }
}

extension EventFacts {
    /// What moved the incident; `nil` when the event is about something else.
    public var incidentChange: EventKind.IncidentChange? {
        switch event.kind {
        case .incident(let change): change
        case .record, .service, .ping, .unknown: nil
        }
    }

    /// Which rules the event concerns; `nil` when it concerns none.
    public var direction: Rule.Direction? {
        switch event.kind {
        case .incident: incident == nil ? nil : .incidentChange
        case .record: record == nil ? nil : .recordChange
        case .service, .ping, .unknown: nil
        }
    }

    /// Whose links the evaluation wants to see: of the incident, or of these records. A comment's
    /// incidents are those of the record that it hangs on.
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

/// What Salesforce told about one change of one record.
public struct RecordChangeFacts: Hashable, Sendable {
    public var reference: RecordReference
    public var isInsert: Bool
    /// Who saved it, where the sender says so.
    public var userID: RecordID?
    public var new: RecordFields
    /// True if a field that `new` does not tell is null. An Apex trigger leaves out nothing but
    /// nulls (Salesforce.md 43), an outbound message also the fields that were not chosen for it.
    public var isWhole: Bool
    /// On an insert empty; `nil` when the channel tells no old values (an outbound message).
    public var old: RecordFields?

    /// Who saved it.
    public var author: RecordID? {
        userID ?? new["LastModifiedById"].string.flatMap { RecordID($0) }
    }

    /// The record under which a case comment was written.
    var commentParent: RecordID? {
        guard reference.isOf("CaseComment") else { return nil }
        return new["ParentId"].string.flatMap(RecordID.init)
    }

    /// Names, in lower case, of the fields whose value is another one than before; `nil` when no
    /// old values are told. Null, absent and the empty text are one value.
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
    /// Why a field cannot be had, by its name in lower case.
    public let obstacles: [String: String]
    private let byName: [String: JSON]

    public init(_ object: JSONObject = JSONObject(), obstacles: [String: String] = [:]) {
        self.object = object
        self.obstacles = obstacles
        byName = Dictionary(
            object.members.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { $1 })
    }

    public subscript(_ name: String) -> JSON { byName[name.lowercased()] ?? .null }

    /// Whether the field was told at all, if only as null.
    public func tells(_ name: String) -> Bool { byName[name.lowercased()] != nil }

    /// In lower case.
    var names: Dictionary<String, JSON>.Keys { byName.keys }

    public static func == (a: Self, b: Self) -> Bool {
        a.object == b.object && a.obstacles == b.obstacles
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(object) }
}
