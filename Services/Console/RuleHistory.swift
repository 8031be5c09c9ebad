import Models
import Store

/// The rules that decided an event, and what became of them since.
struct RuleHistory {
    /// Of `rulesets`: that of the ledger; for an event that no rule has decided the one in force.
    let version: Int64
    let rulesets: [Ruleset]
    let versionInForce: Int64
    private let then: [RuleID: Standing]
    private let now: [RuleID: Standing]

    private struct Standing {
        let rule: Rule
        let isEnabled: Bool
    }

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

    init(of logged: LoggedEvent, from store: Store) async throws(CommandError) {
        let connection = logged.job.event.connection
        let inForce = try await mappingErrors { () throws(StoreError) in
            try await store.configurationVersion()
        }
        let version = logged.ending?.configurationVersion ?? inForce
        self.version = version
        versionInForce = inForce
        rulesets = try await mappingErrors { () throws(StoreError) in
            try await store.rulesets(of: connection, at: version)
        }
        let latest = try await mappingErrors { () throws(StoreError) in
            try await store.rulesets(of: connection, at: inForce)
        }
        then = Self.standings(rulesets)
        now = Self.standings(latest)
    }

    private static func standings(_ rulesets: [Ruleset]) -> [RuleID: Standing] {
        var standings: [RuleID: Standing] = [:]
        for ruleset in rulesets {
            for rule in ruleset.rules {
                standings[RuleID(ruleset: ruleset.name, rule: rule.id)] = Standing(
                    rule: rule, isEnabled: ruleset.isEnabled && rule.isEnabled)
            }
        }
        return standings
    }

    /// What became of a rule; `nil`: it is as it was.
    func change(of id: RuleID) -> Change? {
        guard let old = then[id], old.isEnabled else { return nil }
        guard let new = now[id] else { return .removed }
        if !new.isEnabled { return .switchedOff }
        return new.rule == old.rule ? nil : .changed
    }

    /// - Parameter name: whole, or the rule's part when only one rule has it.
    /// - Throws: why that rule was not evaluated.
    func rule(named name: String) throws(CommandError) -> RuleID {
        let whole = RuleID(name)
        let found =
            then[whole] != nil
            ? [whole] : then.keys.filter { $0.rawValue.hasSuffix("/\(name)") }.sorted()
        guard let id = found.first else {
            let isNewer = now.keys.contains { $0 == whole || $0.rawValue.hasSuffix("/\(name)") }
            throw .problem(
                "version \(version) has no rule \(name)"
                    + (isNewer ? "; it came later, version \(versionInForce) has it" : ""))
        }
        guard found.count == 1 else {
            throw .problem(
                "\(name) may be \(found.map(\.rawValue).joined(separator: " or "))")
        }
        guard then[id]?.isEnabled == true else {
            throw .problem("the rule \(id) was switched off in version \(version)")
        }
        return id
    }
}
