import JSON

/// A rule: if this happens to an object and these conditions hold, do that. It has one direction.
public struct Rule: Hashable, Sendable {
    /// The kind of change that starts the rule.
    public enum Direction: String, CaseIterable, Sendable {
        /// A record of the object was created or updated.
        case recordChange
        /// An incident was created or updated. The rule is evaluated once for each linked record of
        /// its object, or once without a record if none is linked.
        case incidentChange
    }

    /// The policy of a rule on incident changes for an incident that was resolved by being merged
    /// into another one. PagerDuty reports that as a resolution (PagerDuty.md 12), but the problem
    /// goes on under the other incident.
    public enum MergePolicy: String, CaseIterable, Sendable {
        /// The default: the rule is not applied to such an event.
        case skip
        /// The event counts as any other resolution.
        case run
    }

    /// The id, unique within the ruleset. It is part of every effect's key, so it never changes.
    public var id: String
    public var name: String
    public var isEnabled: Bool
    /// The object's API name: `Case`, `Outage__c`.
    public var object: String
    public var direction: Direction
    public var when: ConditionTree
    public var actions: [Action]
    public var onMerge: MergePolicy

    public init(
        id: String, name: String, isEnabled: Bool = true, object: String, direction: Direction,
        when: ConditionTree, actions: [Action], onMerge: MergePolicy = .skip
    ) {
        self.id = id
        self.name = name
        self.isEnabled = isEnabled
        self.object = object
        self.direction = direction
        self.when = when
        self.actions = actions
        self.onMerge = onMerge
    }
}

extension Rule {
    public var json: JSON {
        var object: JSONObject = [
            "id": .string(id), "name": .string(name), "enabled": .bool(isEnabled),
            "object": .string(self.object), "direction": .string(direction.rawValue),
        ]
        if onMerge != .skip { object["onMerge"] = .string(onMerge.rawValue) }
        object["when"] = when.json
        object["actions"] = .array(actions.map(\.json))
        return .object(object)
    }

    init?(reading reader: JSONReader, patternProblem: @escaping (String) -> String?) {
        let keys = reader.keyed(by: RuleKey.self)
        let id = keys.required(.id).flatMap(Self.slug)
        let name = keys.member(.name).map(Self.title) ?? id
        let isEnabled = keys.member(.enabled).map { $0.bool() } ?? true
        let object = keys.required(.object).flatMap(Self.objectName)
        let direction = keys.required(.direction).flatMap(Self.choice(Direction.self))
        let onMerge = keys.member(.onMerge).map(Self.choice(MergePolicy.self)) ?? .skip
        let when = keys.required(.when)
        let actions = keys.required(.actions)
        keys.refuseOthers()
        // The direction decides about fields and operators, so without one they cannot be checked.
        guard let direction else { return nil }
        let context = RuleReading(direction: direction, patternProblem: patternProblem)
        let tree = when.flatMap { Self.tree($0, context) }
        let list = actions.flatMap { Self.actions($0, context) }
        guard let id, let name, let isEnabled, let object, let onMerge, let tree, let list else {
            return nil
        }
        self.init(
            id: id, name: name, isEnabled: isEnabled, object: object, direction: direction,
            when: tree, actions: list, onMerge: onMerge)
    }

    private static func slug(_ reader: JSONReader) -> String? {
        guard let text = reader.string() else { return nil }
        if Names.isSlug(text) { return text }
        reader.problem("must be 1 to 64 lower-case letters, digits, - and _")
        return nil
    }

    static func title(_ reader: JSONReader) -> String? {
        guard let text = reader.string() else { return nil }
        if Names.isTitle(text) { return text }
        reader.problem(
            "must be 1 to \(RuleLimits.nameCharactersMax) characters without / and |, "
                + "not beginning with @ or a blank")
        return nil
    }

    static func objectName(_ reader: JSONReader) -> String? {
        guard let text = reader.string() else { return nil }
        if Names.isAPIName(text) { return text }
        reader.problem("must be the API name of an object, such as Case or Outage__c")
        return nil
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(
        _: Choice.Type
    ) -> (JSONReader) -> Choice? where Choice.RawValue == String {
        { reader in
            guard let text = reader.string() else { return nil }
            if let choice = Choice(rawValue: text) { return choice }
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            reader.problem("must be one of \(known)")
            return nil
        }
    }

    private static func tree(_ reader: JSONReader, _ context: RuleReading) -> ConditionTree? {
        guard let tree = ConditionTree(reading: reader, context) else { return nil }
        guard tree.conditions.count <= RuleLimits.conditionsMax else {
            reader.problem("a rule may have \(RuleLimits.conditionsMax) conditions")
            return nil
        }
        return tree
    }

    private static func actions(_ reader: JSONReader, _ context: RuleReading) -> [Action]? {
        let elements = reader.elements()
        guard (1...RuleLimits.actionsMax).contains(elements.count) else {
            if reader.value.array != nil {
                reader.problem("a rule has 1 to \(RuleLimits.actionsMax) actions")
            }
            return nil
        }
        let actions = elements.compactMap { Action(reading: $0, context) }
        return actions.count == elements.count ? actions : nil
    }
}
