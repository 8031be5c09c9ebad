import JSON

extension Action {
    public var json: JSON {
        var object: JSONObject = ["type": .string(kind.rawValue)]
        switch self {
        case .acknowledgeIncident: break
        case .createIncident(let new): new.write(to: &object)
        case .resolveIncident(let resolution): object["resolution"] = resolution?.json
        case .setIncidentPriority(let priority): object["priority"] = priority.json
        case .startIncidentWorkflow(let workflow): object["workflow"] = workflow.json
        case .runResponsePlay(let play): object["play"] = play.json
        case .reassignIncident(let assignment): assignment.write(to: &object)
        case .addNote(let text): object["text"] = text.json
        case .setField(let field, let options):
            object["field"] = .string(field.field)
            object["value"] = field.value.json
            options.write(to: &object)
        case .createRecord(let new): new.write(to: &object)
        case .addComment(let text, let isPublic):
            object["text"] = text.json
            if isPublic { object["public"] = true }
        case .deliver(let path, let body):
            object["path"] = .string(path)
            object["body"] = body?.json
        }
        return .object(object)
    }
}

extension Template {
    var json: JSON { .string(source) }
}

extension NewIncidentTemplate {
    fileprivate func write(to object: inout JSONObject) {
        object["service"] = service.json
        object["title"] = title.json
        object["body"] = body?.json
        object["urgency"] = urgency.map { .string($0.rawValue) }
        object["priority"] = priority?.json
        guard let assignment else { return }
        var assignTo = JSONObject()
        assignment.write(to: &assignTo)
        object["assignTo"] = .object(assignTo)
    }
}

extension AssignmentTemplate {
    fileprivate func write(to object: inout JSONObject) {
        switch self {
        case .users(let users): object["users"] = .array(users.map(\.json))
        case .escalationPolicy(let policy): object["escalationPolicy"] = policy.json
        }
    }
}

extension NewRecordTemplate {
    fileprivate func write(to object: inout JSONObject) {
        object["object"] = .string(self.object)
        object["fields"] = .object(JSONObject(fields.map { ($0.field, $0.value.json) }))
        object["externalId"] = externalID.map {
            ["field": .string($0.field), "value": $0.value.json]
        }
        options.write(to: &object)
    }
}

extension RecordWriteOptions {
    fileprivate func write(to object: inout JSONObject) {
        if runsAssignmentRules { object["runsAssignmentRules"] = true }
        if allowsDuplicate { object["allowsDuplicate"] = true }
    }
}
