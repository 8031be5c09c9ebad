import Automation
import Connectors
import JSON
import Models

extension Vendors {
    /// Fetches what the rules want to know beyond the event. What does not exist any more is told
    /// as such (a record without values), not as a failure.
    func fetch(_ needs: FactNeeds, into facts: inout Facts) async throws(Failure) {
        for id in needs.incidents.sorted() {
            facts.incidents[id] = try await pagerDuty().incident(id).value
        }
        for (record, fields) in needs.records.sorted(by: { $0.key.id < $1.key.id }) {
            facts.records[record.id] = try await values(of: fields, in: record)
        }
        if let note = needs.trimmedNote {
            let notes = try await pagerDuty().notes(note.incident).value
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

    private func values(
        of fields: Set<String>, in record: RecordReference
    ) async throws(Failure) -> RecordFields {
        do throws(Failure) {
            let object = try await salesforce().record(record, fields: fields.sorted()).value
            return RecordFields(object)
        } catch .permanent(let cause) where cause.status == 404 {
            let nulls = fields.sorted().map { ($0, JSON.null) }
            return RecordFields(JSONObject(nulls))
        }
    }
}
