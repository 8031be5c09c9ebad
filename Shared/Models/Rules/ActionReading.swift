import JSON

extension Action {
    init?(reading reader: JSONReader, _ context: RuleReading) {
        let keys = reader.keyed(by: ActionKey.self)
        guard let kind = keys.required(.type).flatMap(Rule.choice(ActionKind.self)) else {
            return nil
        }
        let action = ActionReader(keys: keys, context: context).action(kind)
        keys.refuseOthers(than: kind.keys)
        guard let action else { return nil }
        self = action
    }
}

/// Reads the members of one action. Every member is looked at before any problem ends the reading.
private struct ActionReader {
    let keys: KeyedReader<ActionKey>
    let context: RuleReading

    func action(_ kind: ActionKind) -> Action? {
        switch kind {
        case .createIncident: createIncident()
        case .acknowledgeIncident: .acknowledgeIncident
        case .resolveIncident:
            optional(.resolution, context.template)
                .map { .resolveIncident(resolution: $0) }
        case .setIncidentPriority: filled(.priority).map(Action.setIncidentPriority)
        case .startIncidentWorkflow: filled(.workflow).map { .startIncidentWorkflow(workflow: $0) }
        case .runResponsePlay: filled(.play).map { .runResponsePlay(play: $0) }
        case .reassignIncident: assignment(keys.reader).map(Action.reassignIncident)
        case .addNote: filled(.text).map { .addNote(text: $0) }
        case .setField: setField()
        case .createRecord: createRecord()
        case .addComment: addComment()
        case .deliver: deliver()
        }
    }

    private func createIncident() -> Action? {
        let service = filled(.service)
        let title = filled(.title)
        let body = optional(.body, context.template)
        let urgency = optional(.urgency, Rule.choice(Incident.Urgency.self))
        let priority = optional(.priority, context.filledTemplate)
        let assignment = optional(.assignTo) { member -> AssignmentTemplate? in
            let read = self.assignment(member)
            member.keyed(by: AssignmentKey.self).refuseOthers()
            return read
        }
        if context.direction != .recordChange {
            keys.reader.problem(
                "needs a record: only rules of direction recordChange create incidents")
            return nil
        }
        guard let service, let title, let body, let urgency, let priority, let assignment else {
            return nil
        }
        return .createIncident(
            NewIncidentTemplate(
                service: service, title: title, body: body, urgency: urgency, priority: priority,
                assignment: assignment))
    }

    private func assignment(_ reader: JSONReader) -> AssignmentTemplate? {
        let keys = reader.keyed(by: AssignmentKey.self)
        let users = keys.member(.users)
        let policy = keys.member(.escalationPolicy)
        switch (users, policy) {
        case (let users?, nil):
            let elements = users.elements()
            let templates = elements.compactMap(context.filledTemplate)
            if elements.isEmpty, users.value.array != nil { users.problem("must not be empty") }
            let isWhole = !elements.isEmpty && templates.count == elements.count
            return isWhole ? .users(templates) : nil
        case (nil, let policy?):
            return context.filledTemplate(policy).map(AssignmentTemplate.escalationPolicy)
        case (nil, nil), (_?, _?):
            reader.problem("must name either users or an escalationPolicy")
            return nil
        }
    }

    private func setField() -> Action? {
        let field = keys.required(.field).flatMap(writableField)
        let value = value(context.scalar)
        let options = options()
        guard let field, let value, let options else { return nil }
        return .setField(FieldTemplate(field: field, value: value), options)
    }

    /// Null is a value: it clears the field.
    private func value(_ read: (JSONReader) -> ValueTemplate?) -> ValueTemplate? {
        if let member = keys.member(.value) { return read(member) }
        if keys.has(.value) { return .literal(.null) }
        keys.problem("is missing", at: .value)
        return nil
    }

    private func createRecord() -> Action? {
        let object = keys.required(.object).flatMap(Rule.objectName)
        let fields = keys.required(.fields).flatMap(fields)
        let externalID = optional(.externalID, externalID)
        let options = options()
        guard let object, let fields, let externalID, let options else { return nil }
        return .createRecord(
            NewRecordTemplate(
                object: object, fields: fields, externalID: externalID, options: options))
    }

    private func fields(_ reader: JSONReader) -> [FieldTemplate]? {
        let members = reader.value.object?.members ?? []
        if reader.value.object == nil { reader.problem("must be an object") }
        guard members.count <= RuleLimits.valuesMax else {
            reader.problem("may have \(RuleLimits.valuesMax) fields")
            return nil
        }
        let fields = members.map { member -> FieldTemplate? in
            let at = JSONReader(
                member.value, at: reader.pointer(to: member.key), problems: reader.problems)
            guard Names.isAPIName(member.key) else {
                at.problem("is no API name of a field")
                return nil
            }
            return context.scalar(at).map { FieldTemplate(field: member.key, value: $0) }
        }
        return reader.value.object == nil || fields.contains(nil) ? nil : fields.compactMap { $0 }
    }

    private func externalID(_ reader: JSONReader) -> NewRecordTemplate.ExternalIDTemplate? {
        let keys = reader.keyed(by: ExternalIDKey.self)
        let field = keys.required(.field).flatMap(writableField)
        let value = keys.required(.value).flatMap(context.filledTemplate)
        keys.refuseOthers()
        guard let field, let value else { return nil }
        return NewRecordTemplate.ExternalIDTemplate(field: field, value: value)
    }

    private func writableField(_ reader: JSONReader) -> String? {
        guard let text = reader.string() else { return nil }
        if Names.isAPIName(text), text.lowercased() != "id" { return text }
        reader.problem("must be the API name of a field that can be written")
        return nil
    }

    private func options() -> RecordWriteOptions? {
        let runsAssignmentRules = optional(.runsAssignmentRules) { $0.bool() }
        let allowsDuplicate = optional(.allowsDuplicate) { $0.bool() }
        guard let runsAssignmentRules, let allowsDuplicate else { return nil }
        return RecordWriteOptions(
            runsAssignmentRules: runsAssignmentRules ?? false,
            allowsDuplicate: allowsDuplicate ?? false)
    }

    private func addComment() -> Action? {
        let text = filled(.text)
        let isPublic = optional(.isPublic) { $0.bool() }
        guard let text, let isPublic else { return nil }
        return .addComment(text: text, isPublic: isPublic ?? false)
    }

    private func deliver() -> Action? {
        let path = keys.required(.path).flatMap(path)
        let body = optional(.body) { context.value($0) }
        guard let path, let body else { return nil }
        return .deliver(path: path, body: body)
    }

    private func path(_ reader: JSONReader) -> String? {
        guard let text = reader.string() else { return nil }
        let prefix = "/services/apexrest/"
        let isPlain = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || "/-_.~".utf8.contains($0)
        }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        if text.hasPrefix(prefix), text.utf8.count <= 512, isPlain,
            !segments.contains(where: { $0 == "." || $0 == ".." || $0.isEmpty })
        {
            return text
        }
        reader.problem("must be a plain path under \(prefix)")
        return nil
    }

    private func filled(_ key: ActionKey) -> Template? {
        keys.required(key).flatMap(context.filledTemplate)
    }

    /// `.some(nil)` when the member is absent, nil if it is there and wrong.
    private func optional<Value>(_ key: ActionKey, _ read: (JSONReader) -> Value?) -> Value?? {
        guard let member = keys.member(key) else { return .some(nil) }
        return read(member).map { .some($0) }
    }
}
