import JSON

/// The conditions of a rule. A group without conditions never holds, so that a rule which was saved
/// too early does not match everything; `{"always": true}` does.
public indirect enum ConditionTree: Hashable, Sendable {
    case all([ConditionTree])
    case any([ConditionTree])
    /// Holds if no condition in it does.
    case none([ConditionTree])
    case always
    case condition(Condition)
}

extension ConditionTree {
    /// Every condition, in the order in which they are written.
    public var conditions: [Condition] {
        switch self {
        case .all(let children), .any(let children), .none(let children):
            children.flatMap(\.conditions)
        case .always: []
        case .condition(let condition): [condition]
        }
    }

    public var json: JSON {
        switch self {
        case .all(let children): ["all": .array(children.map(\.json))]
        case .any(let children): ["any": .array(children.map(\.json))]
        case .none(let children): ["none": .array(children.map(\.json))]
        case .always: ["always": true]
        case .condition(let condition): condition.json
        }
    }

    /// - Parameter depth: the number of groups around this node.
    init?(reading reader: JSONReader, _ context: RuleReading, depth: Int = 0) {
        guard reader.value.object != nil else {
            reader.problem("must be a condition or a group: all, any, none or always")
            return nil
        }
        let group = reader.keyed(by: GroupKey.self)
        // `always` wins over the other keys, so that those are refused.
        let key = group.has(.always) ? .always : GroupKey.allCases.first(where: group.has)
        func children(_ key: GroupKey) -> [ConditionTree]? {
            Self.children(key, group, context, depth: depth)
        }
        let tree: ConditionTree?
        switch key {
        case nil: tree = Condition(reading: reader, context).map(ConditionTree.condition)
        case .always: tree = Self.always(group)
        case .all: tree = children(.all).map(ConditionTree.all)
        case .any: tree = children(.any).map(ConditionTree.any)
        case .none?: tree = children(.none).map(ConditionTree.none)
        }
        guard let tree else { return nil }
        self = tree
    }

    private static func always(_ group: KeyedReader<GroupKey>) -> ConditionTree {
        let isTrue = group.member(.always)?.value == true
        if !isTrue { group.problem("can only be true", at: .always) }
        group.refuseOthers(than: [.always])
        return .always
    }

    private static func children(
        _ key: GroupKey, _ group: KeyedReader<GroupKey>, _ context: RuleReading, depth: Int
    ) -> [ConditionTree]? {
        guard depth < RuleLimits.depthMax else {
            group.reader.problem("groups may be nested \(RuleLimits.depthMax) deep")
            return nil
        }
        let elements = group.required(key)?.elements()
        group.refuseOthers(than: [key])
        guard let elements else { return nil }
        guard elements.count <= RuleLimits.conditionsMax else {
            group.problem("a rule may have \(RuleLimits.conditionsMax) conditions", at: key)
            return nil
        }
        let children = elements.compactMap {
            ConditionTree(reading: $0, context, depth: depth + 1)
        }
        return children.count == elements.count ? children : nil
    }
}
