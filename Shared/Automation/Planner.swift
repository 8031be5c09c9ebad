import JSON
import Models

extension Rulebook {
    /// What the matched rules want done: their actions in order, filled in, each with its stable
    /// key; then the copies of notes and comments. Nothing is planned twice.
    ///
    /// - Parameter done: commands of earlier actions.
    public func plan(
        _ matches: [Match], _ facts: Facts, after done: Set<Command> = []
    ) -> Plan {
        if matches.isEmpty && mappings.isEmpty { return Plan() }
        // Templates read no clock: the moment of the event stands in.
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
    /// So that no command is planned twice, whichever rules want it.
    private var planned: Set<Command>
    /// Actions that happen once for an event, however many records their rule matched for.
    private var performedOnce: Set<EffectKey> = []
    private var creatingFor: Set<RecordID> = []

    init(connection: ConnectionID, context: Context, done: Set<Command>) {
        self.connection = connection
        self.context = context
        planned = done
    }

    var facts: Facts { context.facts }

    mutating func perform(_ entry: Rulebook.Entry, for match: Match) {
        for (ordinal, action) in entry.rule.actions.enumerated().dropFirst(match.actionsDone) {
            let scope = Scope(context: context, object: entry.rule.object, record: match.subject)
            let step = Step(
                entry: entry, ordinal: ordinal, record: match.record, created: match.created,
                rendering: Rendering(scope: scope))
            do throws(RenderingProblem) {
                try perform(action, step)
            } catch {
                plan.problems.append(Plan.Problem(rule: entry.id, cause: error.cause))
            }
        }
    }

    private mutating func perform(_ action: Action, _ step: Step) throws(RenderingProblem) {
        switch action {
        case .createIncident(let new): try createIncident(new, step)
        case .acknowledgeIncident: update(.acknowledge, step)
        case .resolveIncident(let resolution):
            let text = try resolution.map { template throws(RenderingProblem) in
                try step.rendering.text(template)
            }
            update(.resolve(resolution: text.flatMap { $0.isEmpty ? nil : $0 }), step)
        case .setIncidentPriority(let priority):
            update(.setPriority(try step.filled(priority, "priority")), step)
        case .reassignIncident(let assignment):
            update(.reassign(try step.assignment(assignment)), step)
        case .startIncidentWorkflow(let workflow):
            let id = try step.filled(workflow, "workflow")
            for incident in openIncidents(step) {
                add(.startWorkflow(incident, workflow: id), step, target: incident.rawValue)
            }
        case .runResponsePlay(let play):
            let id = try step.filled(play, "play")
            for incident in openIncidents(step) {
                add(.runResponsePlay(incident, play: id), step, target: incident.rawValue)
            }
        case .addNote(let template):
            let text = try step.filled(template, "text")
            for incident in incidents(step) {
                add(.addNote(incident, text: text), step, target: incident.rawValue)
            }
        case .setField(_, let options): try setFields(options, step)
        case .createRecord(let new): try createRecord(new, step)
        case .addComment(let template, let isPublic):
            let text = try step.filled(template, "text")
            guard let record = step.record ?? step.created else {
                return remark("no record is linked", step)
            }
            addComment(text, to: record, isPublic: isPublic, step)
        case .deliver(let path, let body):
            let value =
                if let body { try step.rendering.value(body) } else { try delivery() }
            let command = Command.deliver(path: path, body: value)
            add(command, step, target: step.record?.id.key)
        }
    }
}

extension Planner {
    /// One action of one matched rule.
    struct Step {
        let entry: Rulebook.Entry
        let ordinal: Int
        let record: RecordReference?
        let created: RecordReference?
        let rendering: Rendering

        func filled(_ template: Template, _ what: String) throws(RenderingProblem) -> String {
            let text = Value.trimmed(try rendering.text(template))
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
                    let user = Value.trimmed(try rendering.text(template))
                    if !user.isEmpty { users.append(user) }
                }
                if users.isEmpty { throw RenderingProblem("empty", "users are empty") }
                return .users(users)
            }
        }
    }

    mutating func add(_ command: Command, _ step: Step, target: String?) {
        add(command, rule: step.entry.id, ordinal: step.ordinal, target: target)
    }

    mutating func add(_ command: Command, rule: RuleID, ordinal: Int, target: String?) {
        guard planned.insert(command).inserted else { return }
        let key = EffectKey(
            event: facts.event.event.original, rule: rule, ordinal: ordinal, target: target)
        plan.effects.append(Effect(key: key, rule: rule, ordinal: ordinal, command: command))
    }

    private func delivery() throws(RenderingProblem) -> JSON {
        do throws(UnreadableEvent) {
            return try facts.event.delivery()
        } catch {
            throw RenderingProblem(error.cause)
        }
    }

    private mutating func remark(_ text: String, _ step: Step) {
        let remark = Plan.Remark(rule: step.entry.id, ordinal: step.ordinal, text: text)
        if !plan.remarks.contains(remark) { plan.remarks.append(remark) }
    }

    /// Whether this is the first time that the action is reached for this event.
    private mutating func isFirst(_ step: Step) -> Bool {
        performedOnce.insert(
            EffectKey(
                event: facts.event.event.original, rule: step.entry.id, ordinal: step.ordinal)
        ).inserted
    }
}

extension Planner {
    /// The incident that changed, or all that are linked to the record that changed.
    private mutating func incidents(_ step: Step) -> [IncidentID] {
        if facts.event.record == nil { return facts.event.incident.map { [$0.id] } ?? [] }
        if context.linkedIncidents.isEmpty { remark("no incident is linked", step) }
        return context.linkedIncidents
    }

    /// Without those known to be resolved: of what ended, nothing is to be changed.
    private mutating func openIncidents(_ step: Step) -> [IncidentID] {
        let all = incidents(step)
        guard facts.event.record != nil else { return all }
        let open = all.filter { facts.incidents[$0]?.status != .resolved }
        if open.isEmpty, !all.isEmpty { remark("all linked incidents are resolved", step) }
        return open
    }

    private mutating func update(_ update: IncidentUpdate, _ step: Step) {
        for incident in openIncidents(step) {
            add(.updateIncident(incident, update), step, target: incident.rawValue)
        }
    }

    private mutating func createIncident(
        _ new: NewIncidentTemplate, _ step: Step
    ) throws(RenderingProblem) {
        guard let record = step.record else { return remark("there is no record", step) }
        let open = context.linkedIncidents.first { facts.incidents[$0]?.isOpen == true }
        if let open { return remark("incident \(open) is linked and open", step) }
        let assignment = try new.assignment.map { template throws(RenderingProblem) in
            try step.assignment(template)
        }
        let incident = NewIncident(
            title: try step.filled(new.title, "title").cut(toUnits: VendorLimits.titleUnitsMax),
            service: try step.filled(new.service, "service"),
            incidentKey: IncidentKey.text(
                for: record, rule: step.entry.id, connection: connection),
            body: try step.optional(new.body), urgency: new.urgency,
            priority: try step.optional(new.priority), assignment: assignment)
        guard creatingFor.insert(record.id).inserted else {
            return remark("another rule creates the record's incident", step)
        }
        add(.createIncident(incident, for: record), step, target: record.id.key)
    }
}

extension Planner {
    /// All `setField` actions of the rule with the same options, as one write, in the place of the
    /// first; but those after a creation, which may speak of what it made, apart from those before.
    private mutating func setFields(
        _ options: RecordWriteOptions, _ step: Step
    ) throws(RenderingProblem) {
        guard let record = step.record else {
            if !createsOwnRecord(step) { remark("no record is linked", step) }
            return
        }
        let assignments = fieldTemplates(step, options).filter {
            creations(step, before: $0.ordinal) == creations(step, before: step.ordinal)
        }
        guard assignments.first?.ordinal == step.ordinal else { return }
        var fields = JSONObject()
        for assignment in assignments {
            try step.rendering.set(assignment.template, in: &fields)
        }
        add(
            .updateRecord(record, fields: fields, options: options), step, target: record.id.key)
    }

    private mutating func createRecord(
        _ new: NewRecordTemplate, _ step: Step
    ) throws(RenderingProblem) {
        guard isFirst(step) else { return }
        var fields = JSONObject()
        if step.record == nil, isOwn(new.object, step) {
            for assignment in fieldTemplates(step, nil) {
                try step.rendering.set(assignment.template, in: &fields)
            }
        }
        for field in new.fields { try step.rendering.set(field, in: &fields) }
        let externalID = try new.externalID.map { template throws(RenderingProblem) in
            ExternalID(
                field: template.field, value: try step.filled(template.value, "externalId"))
        }
        let record = NewRecord(
            object: new.object, fields: fields, externalID: externalID, options: new.options)
        let incident = facts.event.record == nil ? facts.event.incident?.id : nil
        add(.createRecord(record, for: incident), step, target: nil)
    }

    private func fieldTemplates(
        _ step: Step, _ wanted: RecordWriteOptions?
    ) -> [(ordinal: Int, template: FieldTemplate)] {
        step.entry.rule.actions.enumerated().compactMap { ordinal, action in
            guard case .setField(let template, let options) = action,
                wanted == nil || options == wanted
            else { return nil }
            return (ordinal, template)
        }
    }

    private func creations(_ step: Step, before ordinal: Int) -> Int {
        step.entry.rule.actions.prefix(ordinal).count {
            $0.kind == .createIncident || $0.kind == .createRecord
        }
    }

    private func createsOwnRecord(_ step: Step) -> Bool {
        step.entry.rule.actions.contains { action in
            guard case .createRecord(let new) = action else { return false }
            return isOwn(new.object, step)
        }
    }

    private func isOwn(_ object: String, _ step: Step) -> Bool {
        object.lowercased() == step.entry.rule.object.lowercased()
    }

    private mutating func addComment(
        _ text: String, to record: RecordReference, isPublic: Bool, _ step: Step
    ) {
        add(
            .addComment(record, text: Comment.cut(text, for: record.object), isPublic: isPublic),
            step, target: record.id.key)
    }
}
