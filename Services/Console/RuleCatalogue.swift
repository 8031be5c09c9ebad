import Models

/// The rules of one version by their ids.
struct RuleCatalogue {
    private var rules: [RuleID: (rule: Rule, isEnabled: Bool)] = [:]

    /// What became of a rule that was enabled.
    enum Change: String {
        case changed, removed, switchedOff

        var words: String {
            switch self {
            case .changed: "the rule has changed since"
            case .removed: "the rule was removed since"
            case .switchedOff: "the rule was switched off since"
            }
        }
    }

    init(_ rulesets: [Ruleset]) {
        for ruleset in rulesets {
            for rule in ruleset.rules {
                let id = RuleID(ruleset: ruleset.name, rule: rule.id)
                rules[id] = (rule, ruleset.isEnabled && rule.isEnabled)
            }
        }
    }

    /// - Parameter name: whole, or the rule's part when only one rule has it.
    func id(named name: String, version: Int64) throws(Complaint) -> RuleID {
        let found = rules.keys.filter {
            $0.rawValue == name || $0.rawValue.hasSuffix("/\(name)")
        }.sorted()
        guard let id = found.first else {
            let known = rules.keys.sorted().map(\.rawValue).joined(separator: ", ")
            throw .problem("version \(version) has no rule \(name); it has: \(known)")
        }
        guard found.count == 1 || rules[RuleID(name)] != nil else {
            let names = found.map(\.rawValue).joined(separator: ", ")
            throw .problem("\(name) may be any of: \(names)")
        }
        let asked = rules[RuleID(name)] == nil ? id : RuleID(name)
        guard rules[asked]?.isEnabled == true else {
            throw .problem("the rule \(asked) was switched off in version \(version)")
        }
        return asked
    }

    func changes(to later: RuleCatalogue) -> [RuleID: Change] {
        var changes: [RuleID: Change] = [:]
        for (id, old) in rules where old.isEnabled {
            changes[id] = change(of: old.rule, to: later.rules[id])
        }
        return changes
    }

    private func change(of old: Rule, to new: (rule: Rule, isEnabled: Bool)?) -> Change? {
        guard let new else { return .removed }
        if !new.isEnabled { return .switchedOff }
        return new.rule == old ? nil : .changed
    }
}
