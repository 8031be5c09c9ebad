import Automation
import Connectors
import JSON
import Models

extension Vendors {
    /// Fetches what the rules want to know beyond the event. What does not exist any more is told
    /// as such (a record without values), not as a failure.
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
            let found = try await salesforce().records(wishes)
            for wish in wishes {
                let nothing = JSONObject(wish.fields.map { ($0, JSON.null) })
                facts.records[wish.record.id] = RecordFields(
                    (found[wish.record.id] ?? nil) ?? nothing)
            }
        }
        if let note = needs.trimmedNote {
            let notes = try await pagerDuty().notes(note.incident)
            facts.noteText = notes.first { $0.id == note.note }?.content
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

    /// Whether the event says that another user than ours saved the record.
    func isByAnother(_ change: RecordChangeFacts) async throws(Failure) -> Bool {
        let author =
            change.userID ?? change.new["LastModifiedById"].string.flatMap { RecordID($0) }
        guard let author else { return false }
        return try await salesforce().whoAmI().user != author
    }
}
