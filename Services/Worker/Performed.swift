import JSON
import Models

/// The result of an effect, which is recorded before the next one starts.
struct Performed: Equatable, Sendable {
    /// Ids, URLs, or why nothing had to be done; a person reads it in the log.
    var result: JSON
    var link: Link?
    /// The record that we created.
    var created: RecordID?
    /// The incident that we created, as PagerDuty answered.
    var incident: Incident?
}

extension Performed {
    static func note(_ id: String) -> Performed {
        Performed(result: ["note": .string(id)])
    }

    static func comment(_ id: RecordID) -> Performed {
        Performed(result: ["comment": .string(id.long)])
    }

    static func record(
        _ id: RecordID, _ object: String, _ incident: IncidentID?
    ) -> Performed {
        let link = incident.map { Link(incident: $0, object: object, record: id) }
        return Performed(
            result: ["object": .string(object), "record": .string(id.long)], link: link,
            created: id)
    }
}

extension Command {
    /// True if later actions may be about what it creates.
    var isCreation: Bool {
        switch self {
        case .createIncident, .createRecord: true
        case .updateIncident, .startWorkflow, .runResponsePlay, .addNote, .updateRecord,
            .addComment, .deliver:
            false
        }
    }

    /// The record that must exist for the command.
    var record: RecordReference? {
        switch self {
        case .updateRecord(let record, _, _), .addComment(let record, _, _): record
        case .createIncident, .updateIncident, .startWorkflow, .runResponsePlay, .addNote,
            .createRecord, .deliver:
            nil
        }
    }

    /// The result of an earlier attempt, read from its record in the effect log.
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
