import Automation
import JSON
import Models
import Store

extension Explanation {
    /// The state of each action of a rule that matched.
    func actions(of rule: RuleID) -> ActionsExplanation {
        ActionsExplanation(
            prefix: "\(logged.job.event.effectOwner)|\(rule)|",
            effects: effects, remarks: plan.remarks.filter { $0.rule == rule },
            problems: plan.problems.filter { $0.rule == rule }.map(\.cause))
    }
}

struct ActionsExplanation {
    /// The prefix of the keys of the rule's effects.
    private let prefix: String
    private let effects: [(key: EffectKey, value: EffectProgress)]
    /// The reasons why actions had nothing to act on.
    private let remarks: [Plan.Remark]
    private let problems: [Cause]

    init(
        prefix: String, effects: [EffectKey: EffectProgress], remarks: [Plan.Remark],
        problems: [Cause]
    ) {
        let own = effects.filter { $0.key.rawValue.hasPrefix(prefix) }.sorted { $0.key < $1.key }
        self.prefix = prefix
        self.effects = own
        // An action that was performed later, when it had something to act on, needs no remark.
        self.remarks = remarks.filter { remark in
            !own.contains { "\($0.key)|".hasPrefix("\(prefix)\(remark.ordinal)|") }
        }
        self.problems = problems
    }

    var lines: [String] {
        effects.map { "  \(name(of: $0.key)): \($0.value.text)" }
            + remarks.map { "  \($0.words)" } + problems.map { "  cannot be performed: \($0)" }
    }

    var json: JSON {
        [
            "effects": .array(effects.map { $0.value.json(key: $0.key) }),
            "remarks": .array(remarks.map { .string($0.words) }),
            "problems": .array(problems.map { .string($0.description) }),
        ]
    }

    /// `action 2`, or `action 2 on 500...` for an action on one of several targets.
    private func name(of key: EffectKey) -> String {
        let parts = key.rawValue.dropFirst(prefix.count).split(separator: "|", maxSplits: 1)
        let action = parts.first.flatMap { Int($0) }.map { "action \($0 + 1)" } ?? "\(key)"
        return parts.count > 1 ? "\(action) on \(parts[1])" : action
    }
}
