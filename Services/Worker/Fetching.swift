import Automation
import Connectors
import JSON
import Models

extension Vendors {
    /// Fetches what the rules want to know beyond the event. What does not exist any more, or is
    /// not shown to us, is told as such, not as a failure.
    func fetch(_ needs: FactNeeds, into facts: inout Facts) async throws(Failure) {
        for id in needs.incidents.sorted() {
            do throws(Failure) {
                facts.incidents[id] = try await pagerDuty().incident(id)
            } catch .permanent(let cause) where cause.status == 404 {
                continue
            }
        }
        let wishes = needs.records.sorted { $0.key.id < $1.key.id }
            .map { Salesforce.Wish(record: $0.key, fields: $0.value.sorted()) }
        if !wishes.isEmpty {
            for (record, fields) in try await read(wishes) { facts.records[record] = fields }
        }
        if let note = needs.trimmedNote {
            let notes = try await pagerDuty().notes(note.incident)
            facts.noteText = notes.first { $0.id == note.note }?.content
        }
    }

    private func read(
        _ wishes: [Salesforce.Wish]
    ) async throws(Failure) -> [RecordID: RecordFields] {
        let found: [RecordID: JSONObject?]
        do throws(Failure) {
            found = try await readable(wishes)
        } catch .permanent(let cause) where cause.isAboutAField {
            try await learnUnreadable(wishes)
            found = try await readable(wishes)
        }
        var fields: [RecordID: RecordFields] = [:]
        for wish in wishes {
            let present = found[wish.record.id] ?? JSONObject()
            let obstacles = wish.fields.compactMap { field in
                let cause = unreadable.cause(for: field, of: wish.record.object)
                let obstacle = present == nil ? Self.isGone : cause?.message
                return obstacle.map { (field.lowercased(), $0) }
            }
            fields[wish.record.id] = RecordFields(
                present ?? JSONObject(),
                obstacles: Dictionary(obstacles, uniquingKeysWith: { $1 }))
        }
        return fields
    }

    private static let isGone = "the record does not exist any more"

    /// Without the fields that are known not to be.
    private func readable(
        _ wishes: [Salesforce.Wish]
    ) async throws(Failure) -> [RecordID: JSONObject?] {
        let due = wishes.compactMap { wish -> Salesforce.Wish? in
            let fields = wish.fields.filter {
                unreadable.cause(for: $0, of: wish.record.object) == nil
            }
            return fields.isEmpty ? nil : Salesforce.Wish(record: wish.record, fields: fields)
        }
        return due.isEmpty ? [:] : try await salesforce().records(due)
    }

    /// Salesforce refuses all for one. What it thinks of each field is the same for every record of
    /// an object that is there.
    private func learnUnreadable(_ wishes: [Salesforce.Wish]) async throws(Failure) {
        var known: Set<[String]> = []
        for wish in wishes {
            for field in wish.fields {
                let name = [wish.record.object.lowercased(), field.lowercased()]
                guard !known.contains(name) else { continue }
                let one = Salesforce.Wish(record: wish.record, fields: [field])
                do throws(Failure) {
                    if try await readable([one])[wish.record.id] != .some(nil) {
                        known.insert(name)
                    }
                } catch .permanent(let cause) where cause.isAboutAField {
                    unreadable.remember(field, of: wish.record.object, cause)
                    known.insert(name)
                }
            }
        }
    }

    /// Whether we created this record ourselves. The event of its creation may arrive before
    /// Salesforce's answer to us has, so no record of ours can tell; its author does.
    func created(_ change: RecordChangeFacts?) async throws(Failure) -> Bool {
        guard let change, change.isInsert else { return false }
        let author = change.userID ?? change.new["CreatedById"].string.flatMap { RecordID($0) }
        guard let author else { return false }
        return try await salesforce().whoAmI().user == author
    }

    /// Whether our own user saved the record; `nil` when the event does not say who did.
    func isOurs(_ change: RecordChangeFacts) async throws(Failure) -> Bool? {
        guard let author = change.author else { return nil }
        return try await salesforce().whoAmI().user == author
    }
}

extension Cause {
    /// The query names a field that does not exist or that our user may not see.
    fileprivate var isAboutAField: Bool { code == "INVALID_FIELD" }
}
