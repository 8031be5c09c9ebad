import JSON
import Models

extension Rulebook {
    /// Plans the actions of the matched rules in order, filled in, each with its stable key; then
    /// the copies of notes and comments. No command is planned twice.
    ///
    /// - Parameter done: the commands of earlier actions.
    public func plan(
        _ matches: [Match], _ facts: Facts, after done: Set<Command> = []
    ) -> Plan {
        if matches.isEmpty && mappings.isEmpty { return Plan() }
        // Templates read no clock: the time of the event is used.
        let context = Context(facts, now: facts.event.event.occurredAt)
        var planner = Planner(connection: connection, context: context, done: done)
        for match in matches {
            guard let position = positions[match.rule] else { continue }
            planner.perform(entries[position], for: match)
        }
        planner.mirror(mappings)
        return planner.plan
    }
}

/// Collects the effects of one event.
struct Planner {
    let connection: ConnectionID
    let context: Context
    private(set) var plan = Plan()
    /// The commands that are planned or done, so that none is planned twice.
    private var planned: Set<Command>
    /// The actions that happen once for an event, for however many records their rule matched.
    private var performedOnce: Set<EffectKey> = []
    private var creatingFor: Set<RecordID> = []

    init(connection: ConnectionID, context: Context, done: Set<Command>) {
        self.connection = connection
        self.context = context
        planned = done
    }

    var facts: Facts { context.facts }

    mutating func perform(_ entry: Rulebook.PreparedRule, for match: Match) {
        for (ordinal, action) in entry.rule.actions.enumerated().dropFirst(match.actionsDone) {
            let scope = RuleScope(
                context: context, object: entry.rule.object, record: match.subject)
            let matched = MatchedAction(
                entry: entry, ordinal: ordinal, record: match.record, created: match.created,
                rendering: Rendering(scope: scope))
            do {
                try perform(action, matched)
            } catch {
                plan.problems.append(Plan.Problem(rule: entry.id, cause: error.cause))
            }
        }
    }

    private mutating func perform(_ action: Action, _ matched: MatchedAction)
        throws(RenderingProblem)
    {
        switch action {
        case .createIncident(let new): try createIncident(new, matched)
        case .acknowledgeIncident: update(.acknowledge, matched)
        case .resolveIncident(let resolution):
            let text = try resolution.map { template throws(RenderingProblem) in
                try matched.rendering.text(template)
            }
            update(.resolve(resolution: text.flatMap { $0.isEmpty ? nil : $0 }), matched)
        case .setIncidentPriority(let priority):
            update(.setPriority(try matched.filled(priority, "priority")), matched)
        case .reassignIncident(let assignment):
            update(.reassign(try matched.assignment(assignment)), matched)
        case .startIncidentWorkflow(let workflow):
            let id = try matched.filled(workflow, "workflow")
            for incident in openIncidents(matched) {
                add(.startWorkflow(incident, workflow: id), matched, target: incident.rawValue)
            }
        case .runResponsePlay(let play):
            let id = try matched.filled(play, "play")
            for incident in openIncidents(matched) {
                add(.runResponsePlay(incident, play: id), matched, target: incident.rawValue)
            }
        case .addNote(let template):
            let text = try matched.filled(template, "text")
            for incident in incidents(matched) {
                add(.addNote(incident, text: text), matched, target: incident.rawValue)
            }
        case .setField(_, let options): try setFields(options, matched)
        case .createRecord(let new): try createRecord(new, matched)
        case .addComment(let template, let isPublic):
            let text = try matched.filled(template, "text")
            guard let record = matched.record ?? matched.created else {
                return remark("no record is linked", matched)
            }
            addComment(text, to: record, isPublic: isPublic, matched)
        case .deliver(let path, let body):
            let value =
                if let body { try matched.rendering.value(body) } else { try delivery() }
            let command = Command.deliver(path: path, body: value)
            add(command, matched, target: matched.record?.id.key)
        }
    }
}

extension Planner {
    /// One action of one matched rule.
    struct MatchedAction {
        let entry: Rulebook.PreparedRule
        let ordinal: Int
        let record: RecordReference?
        let created: RecordReference?
        let rendering: Rendering

        func filled(_ template: Template, _ what: String) throws(RenderingProblem) -> String {
            let text = ValueReading.trimmed(try rendering.text(template))
            guard text.isEmpty else { return text }
            throw RenderingProblem("empty", "\(what) is empty: \(template.source.prefix(80))")
        }

        func optional(_ template: Template?) throws(RenderingProblem) -> String? {
            guard let template else { return nil }
            let text = try rendering.text(template)
            return text.isEmpty ? nil : text
        }

        /// Users that turn out empty are left out, as long as one is named.
        func assignment(_ template: AssignmentTemplate) throws(RenderingProblem) -> Assignment {
            switch template {
            case .escalationPolicy(let policy):
                return .escalationPolicy(try filled(policy, "escalationPolicy"))
            case .users(let templates):
                var users: [String] = []
                for template in templates {
                    let user = ValueReading.trimmed(try rendering.text(template))
                    if !user.isEmpty { users.append(user) }
                }
                if users.isEmpty { throw RenderingProblem("empty", "users are empty") }
                return .users(users)
            }
        }
    }

    mutating func add(_ command: Command, _ matched: MatchedAction, target: String?) {
        add(command, rule: matched.entry.id, ordinal: matched.ordinal, target: target)
    }

    mutating func add(_ command: Command, rule: RuleID, ordinal: Int, target: String?) {
        guard planned.insert(command).inserted else { return }
        let key = EffectKey(
            event: facts.event.event.effectOwner, rule: rule, ordinal: ordinal, target: target)
        plan.effects.append(Effect(key: key, rule: rule, ordinal: ordinal, command: command))
    }

    private func delivery() throws(RenderingProblem) -> JSON {
        do {
            return try facts.event.delivery()
        } catch {
            throw RenderingProblem(error.cause)
        }
    }

    private mutating func remark(_ text: String, _ matched: MatchedAction) {
        let remark = Plan.Remark(rule: matched.entry.id, ordinal: matched.ordinal, text: text)
        if !plan.remarks.contains(remark) { plan.remarks.append(remark) }
    }

    /// True the first time that the action is reached for this event.
    private mutating func isFirst(_ matched: MatchedAction) -> Bool {
        performedOnce.insert(
            EffectKey(
                event: facts.event.event.effectOwner, rule: matched.entry.id,
                ordinal: matched.ordinal)
        ).inserted
    }
}

extension Planner {
    /// The incident that changed, or all that are linked to the record that changed.
    private mutating func incidents(_ matched: MatchedAction) -> [IncidentID] {
        if facts.event.record == nil { return facts.event.incident.map { [$0.id] } ?? [] }
        if context.linkedIncidents.isEmpty { remark("no incident is linked", matched) }
        return context.linkedIncidents
    }

    /// The incidents without those known to be resolved, which no action changes.
    private mutating func openIncidents(_ matched: MatchedAction) -> [IncidentID] {
        let all = incidents(matched)
        guard facts.event.record != nil else { return all }
        let open = all.filter { facts.incidents[$0]?.status != .resolved }
        if open.isEmpty, !all.isEmpty { remark("all linked incidents are resolved", matched) }
        return open
    }

    private mutating func update(_ update: IncidentUpdate, _ matched: MatchedAction) {
        for incident in openIncidents(matched) {
            add(.updateIncident(incident, update), matched, target: incident.rawValue)
        }
    }

    private mutating func createIncident(
        _ new: NewIncidentTemplate, _ matched: MatchedAction
    ) throws(RenderingProblem) {
        guard let record = matched.record else { return remark("there is no record", matched) }
        let open = context.linkedIncidents.first { facts.incidents[$0]?.isOpen == true }
        if let open { return remark("incident \(open) is linked and open", matched) }
        let assignment = try new.assignment.map { template throws(RenderingProblem) in
            try matched.assignment(template)
        }
        let incident = NewIncident(
            title: try matched.filled(new.title, "title").cut(toUnits: VendorLimits.titleUnitsMax),
            service: try matched.filled(new.service, "service"),
            incidentKey: IncidentKey.text(
                for: record, rule: matched.entry.id, connection: connection),
            body: try matched.optional(new.body), urgency: new.urgency,
            priority: try matched.optional(new.priority), assignment: assignment)
        guard creatingFor.insert(record.id).inserted else {
            return remark("another rule creates the record's incident", matched)
        }
        add(.createIncident(incident, for: record), matched, target: record.id.key)
    }
}

extension Planner {
    /// Plans all `setField` actions of the rule with the same options as one write, in the place of
    /// the first. Those after a creation may read what it made: they are a write of their own.
    private mutating func setFields(
        _ options: RecordWriteOptions, _ matched: MatchedAction
    ) throws(RenderingProblem) {
        guard let record = matched.record else {
            if !createsOwnRecord(matched) { remark("no record is linked", matched) }
            return
        }
        let assignments = fieldTemplates(matched, options).filter {
            creations(matched, before: $0.ordinal) == creations(matched, before: matched.ordinal)
        }
        guard assignments.first?.ordinal == matched.ordinal else { return }
        var fields = JSONObject()
        for assignment in assignments {
            try matched.rendering.set(assignment.template, in: &fields)
        }
        add(
            .updateRecord(record, fields: fields, options: options), matched, target: record.id.key)
    }

    private mutating func createRecord(
        _ new: NewRecordTemplate, _ matched: MatchedAction
    ) throws(RenderingProblem) {
        guard isFirst(matched) else { return }
        var fields = JSONObject()
        if matched.record == nil, isOwn(new.object, matched) {
            for assignment in fieldTemplates(matched, nil) {
                try matched.rendering.set(assignment.template, in: &fields)
            }
        }
        for field in new.fields { try matched.rendering.set(field, in: &fields) }
        let externalID = try new.externalID.map { template throws(RenderingProblem) in
            ExternalID(
                field: template.field, value: try matched.filled(template.value, "externalId"))
        }
        let record = NewRecord(
            object: new.object, fields: fields, externalID: externalID, options: new.options)
        let incident = facts.event.record == nil ? facts.event.incident?.id : nil
        add(.createRecord(record, for: incident), matched, target: nil)
    }

    private func fieldTemplates(
        _ matched: MatchedAction, _ wanted: RecordWriteOptions?
    ) -> [(ordinal: Int, template: FieldTemplate)] {
        matched.entry.rule.actions.enumerated().compactMap { ordinal, action in
            guard case .setField(let template, let options) = action,
                wanted == nil || options == wanted
            else { return nil }
            return (ordinal, template)
        }
    }

    private func creations(_ matched: MatchedAction, before ordinal: Int) -> Int {
        matched.entry.rule.actions.prefix(ordinal).count {
            $0.kind == .createIncident || $0.kind == .createRecord
        }
    }

    private func createsOwnRecord(_ matched: MatchedAction) -> Bool {
        matched.entry.rule.actions.contains { action in
            guard case .createRecord(let new) = action else { return false }
            return isOwn(new.object, matched)
        }
    }

    private func isOwn(_ object: String, _ matched: MatchedAction) -> Bool {
        object.lowercased() == matched.entry.rule.object.lowercased()
    }

    private mutating func addComment(
        _ text: String, to record: RecordReference, isPublic: Bool, _ matched: MatchedAction
    ) {
        add(
            .addComment(record, text: Comment.cut(text, for: record.object), isPublic: isPublic),
            matched, target: record.id.key)
    }
}
