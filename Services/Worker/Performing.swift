import Automation
import Connectors
import JSON
import Models

/// What an effect left behind, to be recorded before the next one starts.
struct Performed: Equatable, Sendable {
    /// For the log: ids, urls, or why nothing had to be done.
    var result: JSON
    var link: Link?
    /// The record that we created.
    var created: RecordID?
    /// The incident that we created, as PagerDuty answered.
    var incident: Incident?
}

extension AdmittedCommand {
    /// Makes the calls of the command.
    ///
    /// - Parameters:
    ///   - lookFirst: true if an earlier attempt may have had its effect: where the vendor has no
    ///     idempotency handle, the effect is looked for before it is repeated.
    ///   - isLinked: returns true for a record that is known to belong to an incident. A record
    ///     that an interrupted attempt created is not linked.
    func perform(
        lookFirst: Bool,
        isLinked: (RecordID) async throws(Failure) -> Bool = { _ in false }
    ) async throws(Failure) -> Performed {
        switch command {
        case .createIncident(let new, let record):
            return try await create(new, for: record)
        case .updateIncident(let id, let update):
            return try await change(id, update)
        case .startWorkflow(let id, let workflow):
            let run = try await pagerDuty().startWorkflow(workflow, incident: id)
            return Performed(result: ["run": run.map(JSON.string) ?? .null])
        case .runResponsePlay(let id, let play):
            try await pagerDuty().runResponsePlay(play, incident: id)
            return Performed(result: ["play": .string(play)])
        case .addNote(let id, let text):
            return try await addNote(id, text, lookFirst: lookFirst)
        case .updateRecord(let record, let fields, let options):
            try await update(record, fields, options)
            return Performed(result: ["record": .string(record.id.long)])
        case .createRecord(let new, let incident):
            if lookFirst, let found = try await find(new, isLinked) {
                return .record(found, new.object, incident)
            }
            return try await create(new, for: incident)
        case .addComment(let record, let text, let isPublic):
            return try await addComment(record, text, isPublic, lookFirst: lookFirst)
        case .deliver(let path, let body):
            return Performed(result: try await salesforce().apexREST(path, body: body))
        }
    }
}

extension AdmittedCommand {
    private func create(
        _ new: NewIncident, for record: RecordReference
    ) async throws(Failure) -> Performed {
        let creation = try await pagerDuty().createIncident(new)
        let incident = creation.incident
        var result: JSONObject = ["incident": .string(incident.id.rawValue)]
        result["number"] = incident.number.map { JSON.number(JSONNumber($0)) }
        result["url"] = incident.url.map(JSON.string)
        if case .adopted = creation { result["adopted"] = true }
        let link = Link(incident: incident.id, object: record.object, record: record.id)
        return Performed(result: .object(result), link: link, incident: incident)
    }

    /// Looks before it writes: a late acknowledge would reopen a resolved incident.
    private func change(
        _ id: IncidentID, _ update: IncidentUpdate
    ) async throws(Failure) -> Performed {
        let present = try await pagerDuty().incident(id)
        if let reason = update.reasonNotDue(on: present) {
            return Performed(result: ["incident": .string(id.rawValue), "skipped": .string(reason)])
        }
        let updated = try await pagerDuty().updateIncident(id, update)
        return Performed(
            result: [
                "incident": .string(id.rawValue),
                "status": updated.status.map { .string($0.rawValue) } ?? .null,
            ])
    }

    private func addNote(
        _ id: IncidentID, _ text: String, lookFirst: Bool
    ) async throws(Failure) -> Performed {
        if lookFirst {
            let notes = try await pagerDuty().notes(id)
            if let found = notes.last(where: { $0.isOf(text, on: id) }) { return .note(found.id) }
        }
        return .note(try await pagerDuty().addNote(id, text).id)
    }
}

extension IncidentUpdate {
    /// Why this update must not or need not be made on the incident as it is now.
    func reasonNotDue(on incident: Incident) -> String? {
        switch self {
        case .acknowledge:
            incident.status == .triggered ? nil : "it is \(incident.status?.rawValue ?? "unknown")"
        case .resolve:
            incident.status == .resolved ? "it is resolved" : nil
        case .setPriority(let priority):
            incident.priority??.id == priority ? "it has this priority" : nil
        case .reassign(.escalationPolicy(let policy)):
            incident.status == .resolved
                ? "it is resolved"
                : incident.escalationPolicy?.id == policy ? "it is with this policy" : nil
        case .reassign(.users(let users)):
            incident.status == .resolved
                ? "it is resolved"
                : Set(incident.assignees?.map(\.id) ?? []) == Set(users)
                    ? "it is with these users" : nil
        }
    }
}

extension AdmittedCommand {
    /// Writes together with other lanes where the write was announced.
    private func update(
        _ record: RecordReference, _ fields: JSONObject, _ options: RecordWriteOptions
    ) async throws(Failure) {
        let salesforce = try salesforce()
        guard let write else {
            try await salesforce.update(record, fields: fields, options: options)
            return
        }
        try await write(Salesforce.RecordUpdate(record: record, fields: fields), options)
    }

    private func create(
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

    /// Among the latest records that we created of this object, one with these values that no
    /// incident has.
    private func find(
        _ new: NewRecord, _ isLinked: (RecordID) async throws(Failure) -> Bool
    ) async throws(Failure) -> RecordID? {
        guard new.externalID == nil else { return nil }
        let salesforce = try salesforce()
        let me = try await salesforce.whoAmI().user
        let query = try SOQL(
            select: ["Id"] + new.fields.keys.filter { !Names.areSame($0, "Id") }, from: new.object,
            where: .equal("CreatedById", .id(me)),
            orderBy: [SOQL.Order("CreatedDate", .descending)], limit: 50)
        for record in try await salesforce.query(query, recordsMax: 50) {
            guard let id = record["Id"]?.string.flatMap({ RecordID($0) }) else { continue }
            if new.hasValues(of: record, id), try await !isLinked(id) { return id }
        }
        return nil
    }

    private func addComment(
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

// What came back is compared as echoes are: vendors give values back in forms of their own.

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

extension IncidentNote {
    fileprivate func isOf(_ text: String, on incident: IncidentID) -> Bool {
        Command.addNote(incident, text: content).writtenValues
            == Command.addNote(incident, text: text).writtenValues
    }
}

extension RecordComment {
    fileprivate func isOf(_ text: String, on record: RecordReference) -> Bool {
        Command.addComment(record, text: body, isPublic: false).writtenValues
            == Command.addComment(record, text: text, isPublic: false).writtenValues
    }
}

extension Command {
    /// Whether actions after it may be about what it made.
    var isCreation: Bool {
        switch self {
        case .createIncident, .createRecord: true
        case .updateIncident, .startWorkflow, .runResponsePlay, .addNote, .updateRecord,
            .addComment, .deliver:
            false
        }
    }

    /// The record that must exist for it.
    var record: RecordReference? {
        switch self {
        case .updateRecord(let record, _, _), .addComment(let record, _, _): record
        case .createIncident, .updateIncident, .startWorkflow, .runResponsePlay, .addNote,
            .createRecord, .deliver:
            nil
        }
    }

    /// What an earlier attempt left behind, from what was recorded of it.
    func performed(before result: JSON) -> Performed {
        switch self {
        case .createIncident(_, let record):
            let link = result["incident"]?.string.map {
                Link(incident: IncidentID($0), object: record.object, record: record.id)
            }
            return Performed(result: result, link: link)
        case .createRecord(let new, let incident):
            guard let id = result["record"]?.string.flatMap(RecordID.init) else { break }
            return .record(id, new.object, incident)
        case .updateIncident, .startWorkflow, .runResponsePlay, .addNote, .updateRecord,
            .addComment, .deliver:
            break
        }
        return Performed(result: result)
    }
}

extension Performed {
    fileprivate static func note(_ id: String) -> Performed {
        Performed(result: ["note": .string(id)])
    }

    fileprivate static func comment(_ id: RecordID) -> Performed {
        Performed(result: ["comment": .string(id.long)])
    }

    fileprivate static func record(
        _ id: RecordID, _ object: String, _ incident: IncidentID?
    ) -> Performed {
        let link = incident.map { Link(incident: $0, object: object, record: id) }
        return Performed(
            result: ["object": .string(object), "record": .string(id.long)], link: link,
            created: id)
    }
}
