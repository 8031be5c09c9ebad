import JSON

/// When a rule matches. A group without conditions never holds, so that a rule which was saved too
/// early does not fire on everything; whoever wants that writes `{"always": true}`.
public indirect enum ConditionTree: Hashable, Sendable {
    case all([ConditionTree])
    case any([ConditionTree])
    /// Holds when no condition in it does.
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

    /// - Parameter depth: of the groups around this node.
    init?(reading reader: JSONReader, _ context: RuleReading, depth: Int = 0) {
        guard reader.value.object != nil else {
            reader.problem("must be a condition or a group: all, any, none or always")
            return nil
        }
        let groups = ["all", "any", "none"].filter { reader.value[$0] != nil }
        if reader.value["always"] != nil {
            let isTrue = reader.member("always")?.value == true
            if !isTrue { reader.problem("can only be true", at: "always") }
            reader.refuseOthers()
            self = .always
        } else if let key = groups.first {
            guard let children = Self.children(key, reader, context, depth: depth) else {
                return nil
            }
            self = key == "all" ? .all(children) : key == "any" ? .any(children) : .none(children)
        } else {
            guard let condition = Condition(reading: reader, context) else { return nil }
            self = .condition(condition)
        }
    }

    private static func children(
        _ key: String, _ reader: JSONReader, _ context: RuleReading, depth: Int
    ) -> [ConditionTree]? {
        guard depth < RuleLimits.depthMax else {
            reader.problem("groups may be nested \(RuleLimits.depthMax) deep")
            return nil
        }
        let elements = reader.required(key)?.elements()
        reader.refuseOthers()
        guard let elements else { return nil }
        guard elements.count <= RuleLimits.conditionsMax else {
            reader.problem("a rule may have \(RuleLimits.conditionsMax) conditions", at: key)
            return nil
        }
        let children = elements.compactMap {
            ConditionTree(reading: $0, context, depth: depth + 1)
        }
        return children.count == elements.count ? children : nil
    }
}
