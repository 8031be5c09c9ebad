import JSON
import Models

/// A row: its values by the fields' own names. An absent value is null.
struct SandboxRecord: Sendable {
    let id: RecordID
    var values: [String: JSON]

    subscript(_ field: String) -> JSON { values[field] ?? .null }

    mutating func set(_ field: String, _ value: JSON) {
        if value.isNull {
            values.removeValue(forKey: field)
        } else {
            values[field] = value
        }
    }
}

/// The rows of one object, in the order of their creation, with an index for external ids.
struct RecordTable: Sendable {
    private var rows: [RecordID: SandboxRecord] = [:]
    private(set) var order: [RecordID] = []
    private(set) var deleted: Set<RecordID> = []
    private var index: [String: [String: [RecordID]]] = [:]
    private let indexed: [ObjectField]

    init(of type: ObjectType) { indexed = type.fields.filter { $0.isUnique || $0.isExternalID } }

    var all: some Sequence<SandboxRecord> { order.lazy.compactMap { rows[$0] } }
    var count: Int { rows.count }

    subscript(_ id: RecordID) -> SandboxRecord? { rows[id] }

    mutating func put(_ record: SandboxRecord) {
        let before = rows.updateValue(record, forKey: record.id)
        if before == nil { order.append(record.id) }
        for field in indexed where before?[field.name] != record[field.name] {
            if let before { forget(before, field) }
            guard let slot = Self.slot(record[field.name], field) else { continue }
            index[field.name, default: [:]][slot, default: []].append(record.id)
        }
    }

    mutating func remove(_ id: RecordID) {
        guard let record = rows.removeValue(forKey: id) else { return }
        for field in indexed { forget(record, field) }
        deleted.insert(id)
        order.removeAll { $0 == id }
    }

    func find(_ field: ObjectField, _ value: JSON) -> [RecordID] {
        guard let slot = Self.slot(value, field) else { return [] }
        return index[field.name]?[slot] ?? []
    }

    private mutating func forget(_ record: SandboxRecord, _ field: ObjectField) {
        guard let slot = Self.slot(record[field.name], field) else { return }
        index[field.name]?[slot]?.removeAll { $0 == record.id }
    }

    private static func slot(_ value: JSON, _ field: ObjectField) -> String? {
        if value.isNull { return nil }
        let text = value.string ?? value.text
        return field.isCaseSensitive ? text : text.lowercased()
    }
}

extension RecordID {
    /// `500bX00000AbCdE` and its suffix; the number is written in base 62.
    init?(prefix: String, number: Int) {
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        var rest = number
        var text: [UInt8] = []
        for _ in 0..<7 {
            text.append(digits[rest % 62])
            rest /= 62
        }
        self.init("\(prefix)bX000\(String(decoding: text.reversed(), as: UTF8.self))")
    }
}

extension SalesforceOrg {
    private static let recordsPerRunMax = 1_000_000

    /// The id of the record of that number, counted from 1.
    func newID(_ prefix: String, _ number: Int) -> RecordID? {
        RecordID(prefix: prefix, number: run * Self.recordsPerRunMax + number)
    }
}

extension Timestamp {
    /// `2026-03-02T09:15:04.000+0000`: cut to the second, without a colon in the offset
    /// (Salesforce.md 37).
    var salesforce: String { "\(iso8601.dropLast(5)).000+0000" }
}
