import JSON

/// Rules with one name, enabled or disabled together.
public struct Ruleset: Hashable, Sendable {
    public var name: String
    public var isEnabled: Bool
    public var rules: [Rule]

    public init(name: String, isEnabled: Bool = true, rules: [Rule]) {
        self.name = name
        self.isEnabled = isEnabled
        self.rules = rules
    }

    /// Reads a whole ruleset and notes every problem at its pointer; returns nil if there is one.
    ///
    /// - Parameter patternProblem: the reason for which a text is no regular expression. This
    ///   module cannot tell: a program that takes rules from people passes `Pattern.problem(in:)`
    ///   of Automation. Rules that were checked before need no such check.
    public init?(
        reading reader: JSONReader, patternProblem: @escaping (String) -> String? = { _ in nil }
    ) {
        let problemsBefore = reader.problems.all.count
        let keys = reader.keyed(by: RulesetKey.self)
        let name = keys.required(.name).flatMap(Rule.title)
        let isEnabled = keys.member(.enabled).map { $0.bool() } ?? true
        let rules = keys.required(.rules).flatMap { Self.rules($0, patternProblem) }
        keys.refuseOthers()
        guard reader.problems.all.count == problemsBefore, let name, let isEnabled, let rules else {
            return nil
        }
        self.init(name: name, isEnabled: isEnabled, rules: rules)
    }

    /// Reads the rulesets of a configuration: an array of rulesets with unique names.
    public static func list(
        reading reader: JSONReader, patternProblem: @escaping (String) -> String? = { _ in nil }
    ) -> [Ruleset]? {
        let elements = reader.elements()
        guard elements.count <= RuleLimits.rulesetsMax else {
            reader.problem("there may be \(RuleLimits.rulesetsMax) rulesets")
            return nil
        }
        let rulesets = elements.map { Ruleset(reading: $0, patternProblem: patternProblem) }
        let names = elements.map { $0.value["name"]?.string }
        let isUnique = refuseRepeated(names, "name", in: elements)
        guard reader.value.array != nil, isUnique, !rulesets.contains(nil) else { return nil }
        return rulesets.compactMap { $0 }
    }

    /// The same rulesets always give the same text.
    public var json: JSON {
        ["name": .string(name), "enabled": .bool(isEnabled), "rules": .array(rules.map(\.json))]
    }

    private static func rules(
        _ reader: JSONReader, _ patternProblem: @escaping (String) -> String?
    ) -> [Rule]? {
        let elements = reader.elements()
        guard elements.count <= RuleLimits.rulesMax else {
            reader.problem("a ruleset may have \(RuleLimits.rulesMax) rules")
            return nil
        }
        let rules = elements.map { Rule(reading: $0, patternProblem: patternProblem) }
        let ids = elements.map { $0.value["id"]?.string }
        let isUnique = refuseRepeated(ids, "id", in: elements)
        guard reader.value.array != nil, isUnique, !rules.contains(nil) else { return nil }
        return rules.compactMap { $0 }
    }

    private static func refuseRepeated(
        _ names: [String?], _ key: String, in elements: [JSONReader]
    ) -> Bool {
        var seen: Set<String> = []
        var isUnique = true
        for (name, element) in zip(names, elements) {
            guard let name, !seen.insert(name).inserted else { continue }
            element.problem("\"\(name)\" is used twice", at: key)
            isUnique = false
        }
        return isUnique
    }
}
