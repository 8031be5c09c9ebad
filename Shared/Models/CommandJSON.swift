import JSON

extension Command {
    /// The command as people read it in the log, in one object. Effects that were recorded before
    /// fingerprints existed are compared by it, so its form stays.
    public var json: JSON {
        switch self {
        case .createIncident(let new, let record):
            ["command": "createIncident", "for": .string(record.id.long), "incident": new.json]
        case .updateIncident(let id, let update):
            ["command": .string(update.name), "incident": .string(id.rawValue), "to": update.json]
        case .startWorkflow(let id, let workflow):
            [
                "command": "startWorkflow", "incident": .string(id.rawValue),
                "workflow": .string(workflow),
            ]
        case .runResponsePlay(let id, let play):
            [
                "command": "runResponsePlay", "incident": .string(id.rawValue),
                "play": .string(play),
            ]
        case .addNote(let id, let text):
            ["command": "addNote", "incident": .string(id.rawValue), "text": .string(text)]
        case .updateRecord(let record, let fields, _):
            [
                "command": "updateRecord", "object": .string(record.object),
                "record": .string(record.id.long), "fields": .object(fields),
            ]
        case .createRecord(let new, let incident):
            [
                "command": "createRecord", "object": .string(new.object),
                "fields": .object(new.fields),
                "externalId": new.externalID.map { .string("\($0.field)=\($0.value)") } ?? .null,
                "for": incident.map { .string($0.rawValue) } ?? .null,
            ]
        case .addComment(let record, let text, let isPublic):
            [
                "command": "addComment", "object": .string(record.object),
                "record": .string(record.id.long), "text": .string(text),
                "public": .bool(isPublic),
            ]
        case .deliver(let path, let body):
            ["command": "deliver", "path": .string(path), "body": body]
        }
    }
}

extension NewIncident {
    fileprivate var json: JSON {
        var object: JSONObject = [
            "title": .string(title), "service": .string(service),
            "incidentKey": .string(incidentKey),
        ]
        object["urgency"] = urgency.map { .string($0.rawValue) }
        object["priority"] = priority.map(JSON.string)
        object["assignment"] = assignment?.json
        return .object(object)
    }
}

extension IncidentUpdate {
    fileprivate var name: String {
        switch self {
        case .acknowledge: "acknowledge"
        case .resolve: "resolve"
        case .setPriority: "setPriority"
        case .reassign: "reassign"
        }
    }

    fileprivate var json: JSON {
        switch self {
        case .acknowledge: "acknowledged"
        case .resolve(let resolution): resolution.map(JSON.string) ?? "resolved"
        case .setPriority(let priority): .string(priority)
        case .reassign(let assignment): assignment.json
        }
    }
}

extension Assignment {
    fileprivate var json: JSON {
        switch self {
        case .users(let users): ["users": .array(users.map(JSON.string))]
        case .escalationPolicy(let policy): ["escalationPolicy": .string(policy)]
        }
    }
}
