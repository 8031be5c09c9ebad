import JSON
import Models

/// Finds the rules that an event could match without evaluating the others. A rule is indexed by
/// one condition that must hold for it to match: one at the root, or in groups `all` from the root
/// on, that asks for equality or for a change.
struct RuleIndex: Sendable {
    private struct Partition: Sendable {
        /// The rules without such a condition.
        var unindexed: [Int] = []
        var byChange: [String: [Int]] = [:]
        var byValue: [Field: [String: [Int]]] = [:]

        mutating func add(_ position: Int, under key: IndexKey?) {
            switch key {
            case .change(let field)?: byChange[field, default: []].append(position)
            case .value(let field, let keys)?:
                for key in keys {
                    byValue[field, default: [:]][key, default: []].append(position)
                }
            case nil: unindexed.append(position)
            }
        }
    }

    private var partitions: [String: Partition] = [:]

    init(_ rules: [Rule]) {
        for (position, rule) in rules.enumerated() {
            partitions[Self.name(rule.direction, rule.object), default: Partition()]
                .add(position, under: Self.key(of: rule))
        }
    }

    /// The positions of the rules, in their order, each once.
    func candidates(_ context: Context) -> [Int] {
        guard let direction = context.direction,
            let partition = partitions[Self.name(direction, context.object ?? "")]
        else { return [] }
        var found = partition.unindexed
        for field in context.changedFields ?? [] { found += partition.byChange[field] ?? [] }
        let scope = RuleScope(
            context: context, object: "", record: context.facts.event.record?.reference)
        for (field, rules) in partition.byValue {
            switch scope.value(of: field) {
            case .known(let value):
                for key in ValueReading.text(value).map(ValueReading.keys) ?? [] {
                    found += rules[key] ?? []
                }
            case .unfetched: for positions in rules.values { found += positions }
            case .missing, .unreadable: break
            }
        }
        found.sort()
        return found.enumerated().compactMap { place, position in
            place > 0 && found[place - 1] == position ? nil : position
        }
    }

    /// Rules on incident changes of all objects concern every incident.
    private static func name(_ direction: Rule.Direction, _ object: String) -> String {
        switch direction {
        case .incidentChange: ""
        case .recordChange: object.lowercased()
        }
    }

    private enum IndexKey {
        case change(String)
        case value(Field, Set<String>)
    }

    /// The most selective key: a value of some field before a change, and the event's type last,
    /// because many rules share it.
    private static func key(of rule: Rule) -> IndexKey? {
        let conditions = required(rule.when)
        let values = conditions.compactMap { value($0, rule.direction) }
        let byValue = values.first { $0.field != .fact(.incidentEventType) }
        if let byValue { return .value(byValue.field, byValue.keys) }
        if let change = conditions.lazy.compactMap(change).first { return .change(change) }
        return values.first.map { .value($0.field, $0.keys) }
    }

    /// The conditions that must hold for the tree to hold.
    private static func required(_ tree: ConditionTree) -> [Condition] {
        switch tree {
        case .all(let children): children.flatMap(required)
        case .any(let children): children.count == 1 ? required(children[0]) : []
        case .condition(let condition): condition.isNegated ? [] : [condition]
        case .none, .always: []
        }
    }

    private static func value(
        _ condition: Condition, _ direction: Rule.Direction
    ) -> (field: Field, keys: Set<String>)? {
        guard isTold(condition.field, direction) else { return nil }
        switch condition.test.question {
        case .equals, .isOneOf:
            let operand = condition.test.operand
            let texts = (operand?.array ?? [operand ?? .null]).compactMap(\.string)
            return (condition.field, Set(texts.flatMap(ValueReading.keys)))
        case .changedTo:
            guard let word = condition.test.operand?.string, ValueReading.isWord(word) else {
                return nil
            }
            return (condition.field, ValueReading.keys(word))
        case .exists, .isNull, .equalsField, .contains, .startsWith, .endsWith, .matchesWildcard,
            .matchesRegex, .isEmpty, .numberEquals, .greaterThan, .lessThan, .numberBetween,
            .before, .after, .dateBetween, .withinLast, .olderThan, .withinNext, .isTrue,
            .listContains, .containsAnyOf, .containsAllOf, .countEquals, .countAtLeast,
            .countAtMost, .changed, .changedFrom, .changedFromTo, .increased,
            .decreased, .hasLinkedIncident, .hasLinkedRecord, .linkedIncidentStatusIs:
            return nil
        }
    }

    /// True if the event itself tells the field; a linked record's fields are known only later.
    private static func isTold(_ field: Field, _ direction: Rule.Direction) -> Bool {
        switch (field, direction) {
        case (.record, .recordChange): true
        case (.record, .incidentChange): false
        case (.fact(let fact), .incidentChange): fact != .linkRecords
        case (.fact, .recordChange): false
        }
    }

    private static func change(_ condition: Condition) -> String? {
        guard condition.test.question.family == .change, case .record(let name) = condition.field
        else { return nil }
        return name.lowercased()
    }
}
