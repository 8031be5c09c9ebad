import Models

/// The enabled rules of one connection in one version, prepared: expressions are compiled, and an
/// index lets an event touch only the rules that it could match.
///
/// ```
/// let event = try EventFacts(job.event)
/// var facts = Facts(event: event, links: links of event.linkSubjects, echoes: our journal)
/// let judgement = rulebook.judge(facts, now: now)  // fetch its needs, put them into facts, again
/// let plan = rulebook.plan(judgement.matches, facts)
/// let effects = coalesce(plans of the lane's events)
/// ```
public struct Rulebook: Sendable {
    public let connection: ConnectionID
    public let version: ConfigurationVersion
    let entries: [PreparedRule]
    let positions: [RuleID: Int]
    let index: RuleIndex
    let patterns: Patterns
    /// The mappings by the object's name in lower case.
    let mappings: [String: ObjectMapping]

    struct PreparedRule: Sendable {
        let id: RuleID
        let rule: Rule
        /// The rule's object in lower case.
        let object: String
        /// The fields that its templates read.
        let templateFields: Set<Field>
        let createsIncident: Bool
    }

    /// - Parameter rulesets: disabled ones and disabled rules are left out.
    public init(
        connection: ConnectionID, version: ConfigurationVersion, rulesets: [Ruleset],
        mappings: [ObjectMapping] = []
    ) {
        self.connection = connection
        self.version = version
        entries = rulesets.filter(\.isEnabled).flatMap { ruleset in
            ruleset.rules.filter(\.isEnabled).map { PreparedRule($0, of: ruleset) }
        }
        positions = Dictionary(
            entries.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        index = RuleIndex(entries.map(\.rule))
        patterns = Self.compiled(entries.flatMap { $0.rule.when.conditions })
        self.mappings = Dictionary(
            mappings.map { ($0.object.lowercased(), $0) }, uniquingKeysWith: { $1 })
    }

    static func compiled(_ conditions: [Condition]) -> Patterns {
        var patterns: Patterns = [:]
        for condition in conditions {
            guard case .matchesRegex(let pattern) = condition.test else { continue }
            let key = PatternKey(pattern, of: condition)
            guard patterns[key] == nil else { continue }
            patterns[key] = Result { () throws(PatternError) in
                try Pattern(pattern, caseSensitive: condition.isCaseSensitive)
            }
        }
        return patterns
    }
}

extension Rulebook.PreparedRule {
    init(_ rule: Rule, of ruleset: Ruleset) {
        id = RuleID(ruleset: ruleset.name, rule: rule.id)
        self.rule = rule
        object = rule.object.lowercased()
        templateFields = Set(rule.actions.flatMap(\.fields))
        createsIncident = rule.actions.contains { $0.kind == .createIncident }
    }
}

extension Rulebook {
    /// Evaluates every enabled rule as `judge` does, with the reasons.
    ///
    /// - Parameter only: the one rule that is asked about.
    public func explain(
        _ facts: Facts, now: Timestamp, only rule: RuleID? = nil
    ) -> [Evaluation] {
        let context = Context(facts, now: now)
        return entries.filter { rule == nil || $0.id == rule }.flatMap { evaluate($0, context) }
    }

    private func evaluate(_ entry: PreparedRule, _ context: Context) -> [Evaluation] {
        if let reason = notApplicable(entry, context) {
            return [Evaluation(rule: entry.id, record: nil, result: .notApplicable(reason))]
        }
        return scopes(entry.rule, context).map { scope in
            let trace = ConditionEvaluation(scope: scope, patterns: patterns).trace(entry.rule.when)
            return Evaluation(
                rule: entry.id, record: scope.record,
                result: trace.verdict == .yes ? .matched(trace) : .notMatched(trace))
        }
    }

    func notApplicable(_ entry: PreparedRule, _ context: Context) -> String? {
        let rule = entry.rule
        guard let direction = context.direction else {
            return "no rule concerns an event of kind \(context.facts.event.event.kind)"
        }
        guard direction == rule.direction else {
            return "the rule is for \(rule.direction.plural), the event is of \(direction.plural)"
        }
        if let object = context.object, object != entry.object {
            let told = context.facts.event.record?.reference.object ?? object
            return "the rule is about \(rule.object), the record is of \(told)"
        }
        if context.isWhollyEcho { return "the change only repeats what Liaison wrote itself" }
        if rule.onMerge == .skip, context.facts.event.isMerge {
            return "the incident was merged into another one; onMerge says skip"
        }
        return nil
    }

    /// The scopes of a rule: one for the changed record, or one for each linked record of the
    /// rule's object. Without a linked record there is one scope without a record.
    func scopes(_ rule: Rule, _ context: Context) -> [RuleScope] {
        if let record = context.facts.event.record {
            return [RuleScope(context: context, object: rule.object, record: record.reference)]
        }
        let records = context.linkedRecords(of: rule.object)
        guard !records.isEmpty else {
            return [RuleScope(context: context, object: rule.object, record: nil)]
        }
        return records.map { RuleScope(context: context, object: rule.object, record: $0) }
    }
}

extension Rule.Direction {
    fileprivate var plural: String {
        switch self {
        case .recordChange: "record changes"
        case .incidentChange: "incident changes"
        }
    }
}
