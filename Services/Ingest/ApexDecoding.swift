import Automation
import JSON
import Models

/// The body of the Apex package: `{"old", "new", "isInsert", "userId"?, "organizationId"?,
/// "transactionId"?}`. `old` and `new` are what a trigger serialises: a map by record id, a list of
/// records, the text of either (the guide's `launchByTrigger` passes texts), or null.
extension AuthenticDelivery {
    func apexWords(of organization: SalesforceOrganization) throws(Rejection) -> Notice.Words {
        let json = try outline().root.value
        try proveOrganization(json.present("organizationId")?.string, of: organization)
        guard var old = try state("old", of: json), var new = try state("new", of: json) else {
            return .unreadable(json, .apexTrigger)
        }
        guard old.elements.count <= Self.eventsMax, new.elements.count <= Self.eventsMax else {
            throw .tooLarge(
                "The delivery has more than \(Self.eventsMax) records; send fewer at once.")
        }
        // A record without its other half would look like another change.
        let halves = old.unreadableIDs.union(new.unreadableIDs)
        old.setAside(halves)
        new.setAside(halves)
        let changes = changes(from: old, to: new, in: json)
        guard !changes.isEmpty else { return .unreadable(json, .apexTrigger) }
        return .apex(changes, rest: rest(of: json, old, new))
    }

    /// Only our own package sends the organisation, so a delivery without one may be authentic.
    private func proveOrganization(
        _ sent: String?, of organization: SalesforceOrganization
    ) throws(Rejection) {
        guard let sent, let expected = organization.organizationID else { return }
        if RecordID(sent) != expected {
            throw .unauthentic(
                "organizationId in the body is not the organisation of this connection.")
        }
    }

    private func changes(from old: ApexState, to new: ApexState, in json: JSON) -> [ApexChange] {
        let before = Dictionary(
            old.records.map { ($0.id, $0.fields) }, uniquingKeysWith: { $1 })
        let after = Set(new.records.map(\.id))
        let isInsert = json.present("isInsert")?.bool ?? old.elements.isEmpty
        let transaction = json.present("transactionId")?.string.flatMap { $0.isEmpty ? nil : $0 }
        let pairs =
            new.records.map { (before[$0.id], Optional($0.fields)) }
            + old.records.filter { !after.contains($0.id) }.map { (Optional($0.fields), nil) }
        return pairs.map { old, new in
            ApexChange(
                old: old, new: new, isInsert: isInsert && old == nil,
                userID: json.present("userId")?.string,
                transactionID: transaction, sentAt: sentAt)
        }
    }

    /// The body with only those elements that are no records; nil if there are none.
    private func rest(of json: JSON, _ old: ApexState, _ new: ApexState) -> JSON? {
        guard var rest = json.object, !(old.isReadable && new.isReadable) else { return nil }
        if !old.elements.isEmpty { rest["old"] = old.rest }
        if !new.elements.isEmpty { rest["new"] = new.rest }
        return .object(rest)
    }

    /// Returns nil for an unknown shape; a text within a text is one.
    private func state(_ name: String, of json: JSON) throws(Rejection) -> ApexState? {
        guard let text = json[name]?.string else { return ApexState(json[name]) }
        var limits = JSONLimits()
        // The text is part of the body, and elements that are no records are stored in it.
        limits.depthMax -= 1
        limits.stringBytesMax = text.utf8.count
        do {
            return ApexState(try JSON(parsing: text.utf8, limits: limits))
        } catch {
            throw .malformed("The text of `\(name)` is not valid JSON: \(error).")
        }
    }
}

/// The member `old` or `new`: every element as it came, with its record if it is one.
private struct ApexState {
    typealias Element = (key: String?, value: JSON, record: ApexRecord?)

    private(set) var elements: [Element]
    private let isMap: Bool

    init?(_ json: JSON?) {
        switch json {
        case nil, .null: (elements, isMap) = ([], false)
        case .array(let list):
            (elements, isMap) = (list.map { (nil, $0, ApexRecord($0)) }, false)
        case .object(let map):
            let elements = map.members.map { member -> Element in
                (member.key, member.value, ApexRecord(member.value, key: member.key))
            }
            (self.elements, isMap) = (elements, true)
        case .string, .bool, .number: return nil
        }
    }

    var records: [ApexRecord] { elements.compactMap(\.record) }
    var isReadable: Bool { elements.allSatisfy { $0.record != nil } }

    /// The record ids of elements that are no records, but stand where one should.
    var unreadableIDs: Set<RecordID> {
        Set(elements.compactMap { $0.record == nil ? $0.key.flatMap(RecordID.init) : nil })
    }

    /// The elements that are no records, in the form in which they came.
    var rest: JSON {
        let rest = elements.filter { $0.record == nil }
        return isMap
            ? .object(JSONObject(rest.map { ($0.key ?? "", $0.value) }))
            : .array(rest.map(\.value))
    }

    mutating func setAside(_ ids: Set<RecordID>) {
        for index in elements.indices {
            if let id = elements[index].record?.id, ids.contains(id) {
                elements[index].record = nil
            }
        }
    }
}

/// One record with its id, which pairs old and new.
private struct ApexRecord {
    let id: RecordID
    let fields: JSONObject

    /// A map's record need not repeat its key as its `Id`, but must not contradict it.
    init?(_ value: JSON, key: String? = nil) {
        guard var fields = value.object, let name = value.present("Id") ?? key.map(JSON.string),
            let id = name.string.flatMap(RecordID.init)
        else { return nil }
        if let key, RecordID(key) != id { return nil }
        fields["Id"] = name
        self.id = id
        self.fields = fields
    }
}
