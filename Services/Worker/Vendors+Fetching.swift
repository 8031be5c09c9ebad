import Automation
import Connectors
import JSON
import Models

extension Vendors {
    /// Fetches the facts that the rules need beyond the event. A record that does not exist any
    /// more, or a field that is not shown to us, is an obstacle among the facts and no failure.
    func fetch(_ needs: FactNeeds, into facts: inout Facts) async throws(Failure) {
        for id in needs.incidents.sorted() {
            do {
                facts.incidents[id] = try await pagerDuty().incident(id)
            } catch .permanent(let cause) where cause.status == 404 {
                continue
            }
        }
        let reads = needs.records.sorted { $0.key.id < $1.key.id }
            .map { Salesforce.RecordRead(record: $0.key, fields: $0.value.sorted()) }
        if !reads.isEmpty {
            for (record, fields) in try await read(reads) { facts.records[record] = fields }
        }
        if let note = needs.trimmedNote {
            let notes = try await pagerDuty().notes(note.incident)
            facts.noteText = notes.first { $0.id == note.note }?.content
        }
    }

    private func read(
        _ reads: [Salesforce.RecordRead]
    ) async throws(Failure) -> [RecordID: RecordFields] {
        let found: [RecordID: JSONObject?]
        do {
            found = try await readable(reads)
        } catch .permanent(let cause) where cause.isAboutAField {
            try await findUnreadable(reads)
            found = try await readable(reads)
        }
        var fields: [RecordID: RecordFields] = [:]
        for read in reads {
            let present = found[read.record.id] ?? JSONObject()
            let obstacles = read.fields.compactMap { field in
                let cause = unreadable.cause(for: field, of: read.record.object)
                let obstacle = present == nil ? Self.isGone : cause?.message
                return obstacle.map { (field.lowercased(), $0) }
            }
            fields[read.record.id] = RecordFields(
                present ?? JSONObject(),
                obstacles: Dictionary(obstacles, uniquingKeysWith: { $1 }))
        }
        return fields
    }

    private static let isGone = "the record does not exist any more"

    /// Reads the fields that are not known to be unreadable.
    private func readable(
        _ reads: [Salesforce.RecordRead]
    ) async throws(Failure) -> [RecordID: JSONObject?] {
        let due = reads.compactMap { read -> Salesforce.RecordRead? in
            let fields = read.fields.filter {
                unreadable.cause(for: $0, of: read.record.object) == nil
            }
            return fields.isEmpty ? nil : Salesforce.RecordRead(record: read.record, fields: fields)
        }
        return due.isEmpty ? [:] : try await salesforce().records(due)
    }

    /// Salesforce refuses all fields for one. Reads them one by one; its answer to a field is the
    /// same for every existing record of the object.
    private func findUnreadable(_ reads: [Salesforce.RecordRead]) async throws(Failure) {
        var known: Set<[String]> = []
        for read in reads {
            for field in read.fields {
                let name = [read.record.object.lowercased(), field.lowercased()]
                guard !known.contains(name) else { continue }
                let one = Salesforce.RecordRead(record: read.record, fields: [field])
                do {
                    if try await readable([one])[read.record.id] != .some(nil) {
                        known.insert(name)
                    }
                } catch .permanent(let cause) where cause.isAboutAField {
                    unreadable.remember(field, of: read.record.object, cause)
                    known.insert(name)
                }
            }
        }
    }

    /// True if we created this record ourselves. The event of its creation may arrive before
    /// Salesforce's answer to us, when we have recorded nothing yet: the author tells.
    func created(_ change: RecordChangeFacts?) async throws(Failure) -> Bool {
        guard let change, change.isInsert else { return false }
        let author = change.userID ?? change.new["CreatedById"].string.flatMap { RecordID($0) }
        guard let author else { return false }
        return try await salesforce().whoAmI().user == author
    }

    /// True if our own user saved the record; nil if the event does not name its author.
    func isOurs(_ change: RecordChangeFacts) async throws(Failure) -> Bool? {
        guard let author = change.author else { return nil }
        return try await salesforce().whoAmI().user == author
    }
}

extension Cause {
    /// True if the query names a field that does not exist or that our user may not see.
    fileprivate var isAboutAField: Bool { code == "INVALID_FIELD" }
}
