import Automation
import Connectors
import JSON
import Models

extension AdmittedCommand {
    func create(
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

    /// Reads the incident before it writes: a late acknowledge would reopen a resolved incident.
    func change(
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

    func addNote(
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
    /// The reason why the update is not to be made on this incident; nil if it is.
    func reasonNotDue(on incident: Incident) -> String? {
        switch self {
        case .acknowledge:
            incident.status == .triggered
                ? nil : "the incident is \(incident.status?.rawValue ?? "unknown")"
        case .resolve:
            incident.status == .resolved ? "the incident is resolved" : nil
        case .setPriority(let priority):
            incident.priority??.id == priority ? "the incident has this priority" : nil
        case .reassign(.escalationPolicy(let policy)):
            incident.status == .resolved
                ? "the incident is resolved"
                : incident.escalationPolicy?.id == policy ? "the incident is with this policy" : nil
        case .reassign(.users(let users)):
            incident.status == .resolved
                ? "the incident is resolved"
                : Set(incident.assignees?.map(\.id) ?? []) == Set(users)
                    ? "the incident is with these users" : nil
        }
    }
}

extension IncidentNote {
    /// Texts are compared as echoes are: PagerDuty returns them in a form of its own.
    fileprivate func isOf(_ text: String, on incident: IncidentID) -> Bool {
        Command.addNote(incident, text: content).writtenValues
            == Command.addNote(incident, text: text).writtenValues
    }
}
