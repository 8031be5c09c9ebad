import Models

/// A rule that matched, for the changed record, a linked one, or none.
public struct Match: Hashable, Sendable {
    public var rule: RuleID
    public var record: RecordReference?
    /// The record that an action of the rule created; the actions after it act on it if there is no
    /// `record`.
    public internal(set) var created: RecordReference?
    /// The number of the rule's actions that are done.
    public internal(set) var actionsDone = 0

    public init(rule: RuleID, record: RecordReference?) {
        self.rule = rule
        self.record = record
    }

    var subject: RecordReference? { record ?? created }
}

/// The rules that match an event, without the reasons: `Rulebook.explain` gives those.
public struct Judgement: Sendable {
    public internal(set) var matches: [Match] = []
    /// The facts that must be fetched before `matches` is final. Rules that the event alone rules
    /// out ask for nothing.
    public internal(set) var needs = FactNeeds()
    /// The number of rules that were evaluated; the index ruled out the others.
    public internal(set) var rulesAsked = 0
}

extension Rulebook {
    /// Evaluates every rule that the event could match, once for each record that it is linked to.
    ///
    /// - Parameter now: the time from which `withinLast` and its like count; the same time gives
    ///   the same answers.
    public func judge(_ facts: Facts, now: Timestamp) -> Judgement {
        let context = Context(facts, now: now)
        var judgement = Judgement()
        for position in index.candidates(context) {
            let entry = entries[position]
            judgement.rulesAsked += 1
            guard notApplicable(entry, context) == nil else { continue }
            for scope in scopes(entry.rule, context) { judge(entry, scope, &judgement) }
        }
        if mirrorsNote(facts), let note = facts.unfetchedNote { judgement.needs.trimmedNote = note }
        return judgement
    }

    /// The matches that are still to be planned after an effect that created something. The rules
    /// and actions before that effect are done.
    public func rest(of matches: [Match], after creation: Effect, _ link: Link) -> [Match] {
        var rest = Array(matches.drop { $0.rule != creation.rule })
        guard !rest.isEmpty else { return matches }
        rest[0].actionsDone = creation.ordinal + 1
        let record = RecordReference(object: link.object, id: link.record)
        let object = positions[creation.rule].map { entries[$0].object }
        if rest[0].record == nil, record.isOf(object ?? "") { rest[0].created = record }
        return rest
    }

    /// The facts that the actions of these rules read and that are not known yet.
    public func needs(of matches: [Match], _ facts: Facts) -> FactNeeds {
        let context = Context(facts, now: facts.event.event.occurredAt)
        var needs = FactNeeds()
        for match in matches {
            guard let entry = positions[match.rule].map({ entries[$0] }) else { continue }
            let scope = RuleScope(
                context: context, object: entry.rule.object, record: match.subject)
            addNeeds(of: entry, scope, to: &needs)
        }
        return needs
    }

    private func judge(_ entry: PreparedRule, _ scope: RuleScope, _ judgement: inout Judgement) {
        let evaluation = ConditionEvaluation(scope: scope, patterns: patterns)
        switch evaluation.verdict(entry.rule.when) {
        case .no, .notEvaluable: return
        case .yes: judgement.matches.append(Match(rule: entry.id, record: scope.record))
        case .unfetched: add(unfetched: entry.rule.when, evaluation, to: &judgement.needs)
        }
        addNeeds(of: entry, scope, to: &judgement.needs)
    }

    private func addNeeds(of entry: PreparedRule, _ scope: RuleScope, to needs: inout FactNeeds) {
        for field in entry.templateFields { add(field, scope, to: &needs) }
        if entry.createsIncident { addLinkedIncidents(scope, to: &needs) }
    }

    private func add(
        unfetched tree: ConditionTree, _ evaluation: ConditionEvaluation, to needs: inout FactNeeds
    ) {
        let scope = evaluation.scope
        for condition in tree.conditions where evaluation.verdict(condition) == .unfetched {
            for field in condition.fields { add(field, scope, to: &needs) }
            if condition.test.question == .linkedIncidentStatusIs {
                addLinkedIncidents(scope, to: &needs)
            }
        }
    }

    private func add(_ field: Field, _ scope: RuleScope, to needs: inout FactNeeds) {
        guard scope.value(of: field) == .unfetched else { return }
        switch field {
        case .record(let name):
            guard let record = scope.record else { return }
            needs.insert(name, of: record)
        case .fact(.noteText):
            needs.trimmedNote = scope.context.facts.unfetchedNote
        case .fact:
            if let incident = scope.context.facts.event.incident {
                needs.incidents.insert(incident.id)
            } else {
                addLinkedIncidents(scope, to: &needs)
            }
        }
    }

    private func addLinkedIncidents(_ scope: RuleScope, to needs: inout FactNeeds) {
        let known = scope.context.facts.incidents
        needs.incidents.formUnion(scope.context.linkedIncidents.filter { known[$0] == nil })
    }
}

extension Facts {
    /// The note of the event if its text was cut and the whole is not known yet.
    var unfetchedNote: FactNeeds.NoteReference? {
        guard noteText == nil, let note = event.note, note.isTrimmed, let id = note.id,
            let incident = event.incident
        else { return nil }
        return FactNeeds.NoteReference(incident: incident.id, note: id)
    }
}

extension Condition {
    var fields: [Field] {
        guard case .equalsField(let other) = test else { return [field] }
        return [field, other]
    }
}
