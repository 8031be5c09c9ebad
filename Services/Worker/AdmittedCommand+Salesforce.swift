import Automation
import Connectors
import JSON
import Models

extension AdmittedCommand {
    /// Writes together with other lanes where the write was announced.
    func update(
        _ record: RecordReference, _ fields: JSONObject, _ options: RecordWriteOptions
    ) async throws(Failure) {
        let salesforce = try salesforce()
        guard let write else {
            try await salesforce.update(record, fields: fields, options: options)
            return
        }
        try await write(Salesforce.RecordUpdate(record: record, fields: fields), options)
    }

    func create(
        _ new: NewRecord, for incident: IncidentID?
    ) async throws(Failure) -> Performed {
        if let externalID = new.externalID {
            let saved = try await salesforce().upsert(
                object: new.object, externalID: externalID, fields: new.fields,
                options: new.options)
            return .record(saved, new.object, incident)
        }
        let created = try await salesforce().create(
            object: new.object, fields: new.fields, options: new.options)
        return .record(created, new.object, incident)
    }

    /// The latest record of this object that we created with these values and that no incident is
    /// linked to.
    func find(
        _ new: NewRecord, _ isLinked: (RecordID) async throws(Failure) -> Bool
    ) async throws(Failure) -> RecordID? {
        guard new.externalID == nil else { return nil }
        let salesforce = try salesforce()
        let me = try await salesforce.whoAmI().user
        let query = try SOQL(
            select: ["Id"] + new.fields.keys.filter { !Names.areSame($0, "Id") }, from: new.object,
            where: .equal("CreatedById", .id(me)),
            orderBy: [SOQLOrder("CreatedDate", .descending)], limit: 50)
        for record in try await salesforce.query(query, recordsMax: 50) {
            guard let id = record["Id"]?.string.flatMap({ RecordID($0) }) else { continue }
            if new.hasValues(of: record, id), try await !isLinked(id) { return id }
        }
        return nil
    }

    func addComment(
        _ record: RecordReference, _ text: String, _ isPublic: Bool, lookFirst: Bool
    ) async throws(Failure) -> Performed {
        let salesforce = try salesforce()
        guard record.isOf("Case") else {
            if lookFirst {
                let items = try await salesforce.feedItems(parent: record.id)
                let found = items.first { $0.isOf(text, on: record) }
                if let found { return .comment(found.id) }
            }
            let item = try await salesforce.addFeedItem(parent: record.id, text: text)
            return .comment(item)
        }
        if lookFirst {
            let comments = try await salesforce.caseComments(record.id)
            let found = comments.first { $0.isOf(text, on: record) }
            if let found { return .comment(found.id) }
        }
        return .comment(
            try await salesforce.addCaseComment(record.id, text: text, isPublic: isPublic))
    }
}

// Values are compared as echoes are: Salesforce returns them in forms of its own.

extension NewRecord {
    fileprivate func hasValues(of record: JSONObject, _ id: RecordID) -> Bool {
        let present = RecordFields(record)
        let found = JSONObject(fields.keys.map { ($0, present[$0]) })
        return writtenValues(of: found, id) == writtenValues(of: fields, id)
    }

    private func writtenValues(of fields: JSONObject, _ id: RecordID) -> Set<WrittenValue> {
        let reference = RecordReference(object: object, id: id)
        return Set(Command.updateRecord(reference, fields: fields, options: options).writtenValues)
    }
}

extension RecordComment {
    fileprivate func isOf(_ text: String, on record: RecordReference) -> Bool {
        Command.addComment(record, text: body, isPublic: false).writtenValues
            == Command.addComment(record, text: text, isPublic: false).writtenValues
    }
}
