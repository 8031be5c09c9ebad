import Models
import Store

/// The rules that decided an event, and their changes since then.
struct RuleHistory {
    /// The version of `rulesets`: the one that settled the event. For an event that no rule has
    /// decided, the version in force.
    let version: ConfigurationVersion
    let rulesets: [Ruleset]
    let versionInForce: ConfigurationVersion
    private let then: [RuleID: VersionedRule]
    private let now: [RuleID: VersionedRule]

    private struct VersionedRule {
        let rule: Rule
        let isEnabled: Bool
    }

    enum RuleChange: String {
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
        let inForce = try await mappingErrors(await store.configurationVersion())
        let version = logged.ending?.configurationVersion ?? inForce
        self.version = version
        versionInForce = inForce
        rulesets = try await mappingErrors(await store.rulesets(of: connection, at: version))
        let latest = try await mappingErrors(await store.rulesets(of: connection, at: inForce))
        then = Self.byID(rulesets)
        now = Self.byID(latest)
    }

    private static func byID(_ rulesets: [Ruleset]) -> [RuleID: VersionedRule] {
        var byID: [RuleID: VersionedRule] = [:]
        for ruleset in rulesets {
            for rule in ruleset.rules {
                byID[RuleID(ruleset: ruleset.name, rule: rule.id)] = VersionedRule(
                    rule: rule, isEnabled: ruleset.isEnabled && rule.isEnabled)
            }
        }
        return byID
    }

    /// The change of a rule since then; nil if it is the same.
    func change(of id: RuleID) -> RuleChange? {
        guard let old = then[id], old.isEnabled else { return nil }
        guard let new = now[id] else { return .removed }
        if !new.isEnabled { return .switchedOff }
        return new.rule == old.rule ? nil : .changed
    }

    /// - Parameter name: `ruleset/rule`, or the rule's id if only one ruleset has it.
    /// - Throws: the reason why that rule was not evaluated.
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
