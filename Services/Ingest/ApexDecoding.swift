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
        guard let old = try records("old", of: json), let new = try records("new", of: json) else {
            return .unreadable(json, .apexTrigger)
        }
        guard old.count <= Self.eventsMax, new.count <= Self.eventsMax else {
            throw .tooLarge("More than \(Self.eventsMax) records in one delivery.")
        }
        let changes = changes(from: old, to: new, in: json)
        return changes.isEmpty ? .unreadable(json, .apexTrigger) : .apex(changes)
    }

    /// The organisation is told by our own package only, so its absence proves nothing wrong.
    private func proveOrganization(
        _ sent: String?, of organization: SalesforceOrganization
    ) throws(Rejection) {
        guard let sent, let expected = organization.organizationID else { return }
        if RecordID(sent) != expected {
            throw .unauthentic("organizationId is not the organisation of this connection.")
        }
    }

    private func changes(
        from old: [ApexRecord], to new: [ApexRecord], in json: JSON
    ) -> [ApexChange] {
        let before = Dictionary(old.map { ($0.id, $0.fields) }, uniquingKeysWith: { $1 })
        let after = Set(new.map(\.id))
        let isInsert = json.present("isInsert")?.bool ?? old.isEmpty
        let transaction = json.present("transactionId")?.string.flatMap { $0.isEmpty ? nil : $0 }
        let gone = old.filter { !after.contains($0.id) }
        let pairs =
            new.map { ($0.id, before[$0.id], Optional($0.fields)) }
            + gone.map { ($0.id, Optional($0.fields), nil) }
        return pairs.map { _, old, new in
            ApexChange(
                old: old, new: new, isInsert: isInsert && old == nil,
                userID: json.present("userId")?.string,
                transactionID: transaction, sentAt: sentAt)
        }
    }

    private func records(_ name: String, of json: JSON) throws(Rejection) -> [ApexRecord]? {
        guard let text = json[name]?.string else { return records(json[name]) }
        var limits = JSONLimits()
        limits.stringBytesMax = text.utf8.count
        do throws(JSONParseError) {
            return records(try JSON(parsing: text.utf8, limits: limits))
        } catch {
            throw .malformed("The text of `\(name)` is not acceptable JSON: \(error).")
        }
    }

    /// `nil` for a shape that is none of the known ones; a text of a text is none.
    private func records(_ state: JSON?) -> [ApexRecord]? {
        switch state {
        case nil, .null: return []
        case .array(let elements):
            let records = elements.compactMap { ApexRecord($0) }
            return records.count == elements.count ? records : nil
        case .object(let map):
            let records = map.members.compactMap { ApexRecord($0.value, key: $0.key) }
            return records.count == map.count ? records : nil
        case .string, .bool, .number: return nil
        }
    }
}

/// One record with the id under which old and new find each other.
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
