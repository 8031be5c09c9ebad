import Models

extension Rulebook {
    /// What must be fetched before `evaluate` and `plan` can say their last word about these facts.
    /// Rules that the event alone rules out ask for nothing.
    public func needs(for facts: Facts, now: Timestamp) -> FactNeeds {
        let context = Context(facts, now: now)
        var needs = FactNeeds()
        for position in index.candidates(context) {
            let entry = entries[position]
            guard notApplicable(entry.rule, context) == nil else { continue }
            for scope in scopes(entry.rule, context) { add(entry, scope, to: &needs) }
        }
        if mirrorsNote(facts) { needs.trimmedNote = facts.unfetchedNote ?? needs.trimmedNote }
        return needs
    }

    private func add(_ entry: Entry, _ scope: Scope, to needs: inout FactNeeds) {
        let evaluation = ConditionEvaluation(scope: scope, patterns: patterns)
        switch evaluation.trace(entry.rule.when).verdict {
        case .no, .notEvaluable: return
        case .yes: break
        case .unfetched:
            for condition in entry.rule.when.conditions
            where evaluation.verdict(condition) == .unfetched {
                for field in condition.fields { add(field, scope, to: &needs) }
                if condition.test.question == .linkedIncidentStatusIs {
                    addLinkedIncidents(scope, to: &needs)
                }
            }
        }
        for field in entry.templateFields { add(field, scope, to: &needs) }
        if entry.createsIncident { addLinkedIncidents(scope, to: &needs) }
    }

    private func add(_ field: Field, _ scope: Scope, to needs: inout FactNeeds) {
        guard scope.value(of: field) == .unfetched else { return }
        switch field {
        case .record(let name):
            guard let record = scope.record else { return }
            needs.records[record, default: []].insert(name)
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

    private func addLinkedIncidents(_ scope: Scope, to needs: inout FactNeeds) {
        let known = scope.context.facts.incidents
        needs.incidents.formUnion(scope.context.linkedIncidents.filter { known[$0] == nil })
    }
}

extension Facts {
    /// The note of the event when its text was cut and the whole is not known yet.
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
