import JSON
import Models

/// One record as an Apex trigger saw it (Salesforce.md 42), named by the `Id` of its states.
public struct ApexChange: Equatable, Sendable {
    public var old: JSONObject?
    public var new: JSONObject?
    public var isInsert: Bool
    public var userID: String?
    /// The id of the transaction, equal for all changes that one save in Salesforce caused.
    public var transactionID: String?
    /// The sender's clock, as the delivery tells it; it is the same if the delivery is repeated.
    public var sentAt: String?

    public init(
        old: JSONObject?, new: JSONObject?, isInsert: Bool, userID: String? = nil,
        transactionID: String? = nil, sentAt: String? = nil
    ) {
        self.old = old
        self.new = new
        self.isInsert = isInsert
        self.userID = userID
        self.transactionID = transactionID
        self.sentAt = sentAt
    }

    /// The fields whose value differs, each with both values. Absent equals null: a trigger's map
    /// leaves empty fields out.
    var changes: JSONObject {
        var changes = JSONObject()
        for field in (new?.keys ?? []) + (old?.keys ?? []) where changes[field] == nil {
            let before = old?[field] ?? .null
            let after = new?[field] ?? .null
            if before != after { changes[field] = [before, after] }
        }
        return changes
    }
}

/// One notification of an outbound message (Salesforce.md 48).
public struct OutboundNotification: Equatable, Sendable {
    public var id: String?
    public var organizationID: String
    /// The name after the prefix of `xsi:type`.
    public var object: String?
    /// The record's fields; nil if the record was deleted before the message was sent.
    public var fields: JSONObject?

    public init(id: String?, organizationID: String, object: String?, fields: JSONObject?) {
        self.id = id
        self.organizationID = organizationID
        self.object = object
        self.fields = fields
    }
}

extension Normalisation {
    /// One record of an Apex trigger.
    ///
    /// The same change of a record is one event within a transaction: a retry may be signed anew,
    /// and a trigger may fire again within the save (Salesforce.md 41). Without a transaction the
    /// sender's clock and the record's own time stamp tell a repetition from a second change; if
    /// neither is told, no change counts as a repetition.
    public func apex(_ change: ApexChange) -> NewEvent {
        let state = change.new ?? change.old
        let record = recordID(state?["Id"]?.string)
        let object = state?["attributes"]?["type"]?.string
        let time = Self.time(of: change.new)
        var payload: JSONObject = [
            "object": object.map(JSON.string) ?? .null,
            "old": Self.fields(change.old), "new": Self.fields(change.new),
            "isInsert": .bool(change.isInsert),
        ]
        payload["userId"] = change.userID.map(JSON.string)
        payload["transactionId"] = change.transactionID.map(JSON.string)
        let delivery = change.sentAt ?? (time == nil ? receivedAt.iso8601 : nil)
        let changed = digest(
            JSON.array([
                (change.transactionID ?? delivery).map(JSON.string) ?? .null,
                time.map(JSON.string) ?? .null, .object(change.changes),
            ]).canonicalBytes)
        let json = JSON.object(payload)
        return event(
            identified: record.map { "\($0.long)-\(changed)" } ?? digest(of: json),
            source: .salesforce,
            kind: Self.kind(of: change, isReadable: record != nil && object != nil), at: time,
            lane: lane(of: record, object, state), format: .apexTrigger,
            payload: json.bytes)
    }

    /// One notification of an outbound message: the latest state, without old values
    /// (Salesforce.md 51).
    public func outbound(_ notification: OutboundNotification) -> NewEvent {
        let record = recordID(notification.fields?["Id"]?.string)
        let id = notification.id.flatMap { isName($0) ? $0 : nil }
        let payload: JSON = [
            "object": notification.object.map(JSON.string) ?? .null,
            "new": notification.fields.map(JSON.object) ?? .null,
            "organizationId": .string(notification.organizationID),
        ]
        let kind: EventKind =
            if notification.fields == nil {
                .unknown("record.deleted")
            } else if record == nil || notification.object == nil {
                .unknown("salesforce.no_record")
            } else {
                .record(.updated)
            }
        return event(
            identified: id ?? digest(of: payload), source: .salesforce, kind: kind,
            at: Self.time(of: notification.fields),
            lane: record.map(LaneKey.record) ?? .connection, format: .outboundMessage,
            payload: payload.bytes)
    }

    /// The lane of a record. A comment goes into the lane of the record that it belongs to.
    private func lane(of record: RecordID?, _ object: String?, _ state: JSONObject?) -> LaneKey {
        let isComment = object.map { Names.areSame($0, "CaseComment") } ?? false
        let parent = isComment ? recordID(state?["ParentId"]?.string) : nil
        return (parent ?? record).map(LaneKey.record) ?? .connection
    }

    private func recordID(_ text: String?) -> RecordID? { text.flatMap { RecordID($0) } }

    private static func kind(of change: ApexChange, isReadable: Bool) -> EventKind {
        if !isReadable { return .unknown("salesforce.no_record") }
        if change.new == nil { return .unknown("record.deleted") }
        return .record(change.isInsert ? .created : .updated)
    }

    private static func time(of fields: JSONObject?) -> String? {
        [fields?["LastModifiedDate"], fields?["SystemModstamp"]].lazy.compactMap { $0?.string }
            .first { Timestamp($0) != nil }
    }

    /// The fields without `attributes`, which describes the record and is no field of it.
    private static func fields(_ state: JSONObject?) -> JSON {
        guard var state else { return .null }
        state["attributes"] = nil
        return .object(state)
    }
}
