import JSON
import Models

extension Evaluation {
    /// The form that the console shows: `{"rule", "record"?, "result", "reason"?, "conditions"?}`.
    public var json: JSON {
        var object: JSONObject = ["rule": .string(rule.rawValue)]
        object["record"] = record.map { ["object": .string($0.object), "id": .string($0.id.long)] }
        switch result {
        case .matched(let trace):
            object["result"] = "matched"
            object["conditions"] = trace.json
        case .notMatched(let trace):
            object["result"] = "notMatched"
            object["conditions"] = trace.json
        case .notApplicable(let reason):
            object["result"] = "notApplicable"
            object["reason"] = .string(reason)
        }
        return .object(object)
    }

    /// A line for the rule and one for each condition, indented by its depth.
    public var text: String {
        let subject = record.map { " for \($0.object) \($0.id)" } ?? ""
        switch result {
        case .matched(let trace): return "\(rule)\(subject): matched\n" + trace.text(depth: 1)
        case .notMatched(let trace):
            return "\(rule)\(subject): not matched\n" + trace.text(depth: 1)
        case .notApplicable(let reason): return "\(rule)\(subject): not applicable: \(reason)"
        }
    }
}

extension Verdict {
    var word: String {
        switch self {
        case .yes: "true"
        case .no: "false"
        case .notEvaluable, .unfetched: "notEvaluable"
        }
    }

    var reason: String? {
        switch self {
        case .yes, .no: nil
        case .notEvaluable(let reason): reason
        case .unfetched: "the value was not fetched"
        }
    }
}

extension Trace {
    public var json: JSON {
        switch self {
        case .always: return ["always": true, "result": "true"]
        case .group(let group, let verdict, let children):
            return [
                group.rawValue: .array(children.map(\.json)), "result": .string(verdict.word),
            ]
        case .condition(let condition): return condition.json
        }
    }

    func text(depth: Int) -> String {
        let indentation = String(repeating: "  ", count: depth)
        switch self {
        case .always: return indentation + "always: true"
        case .group(let group, let verdict, let children):
            let lines = children.map { "\n" + $0.text(depth: depth + 1) }
            return "\(indentation)\(group.rawValue): \(verdict.word)" + lines.joined()
        case .condition(let condition): return indentation + condition.text
        }
    }
}

extension ConditionTrace {
    public var json: JSON {
        var object: JSONObject = [
            "field": .string(condition.field.name),
            "operator": .string(condition.operator.name),
        ]
        object["left"] = left
        object["old"] = old
        object["right"] = right
        object["result"] = .string(verdict.word)
        object["reason"] = verdict.reason.map(JSON.string)
        return .object(object)
    }

    /// `record.Priority changedTo "High": true (is "High", was "Low")`
    public var text: String {
        let operand = condition.test.operand.map { " \($0.text)" } ?? ""
        let asked = "\(condition.field.name) \(condition.operator.name)\(operand)"
        var known = left.map { ["is \(Self.short($0))"] } ?? []
        if let old, condition.test.question.family == .change {
            known.append("was \(Self.short(old))")
        }
        if case .equalsField = condition.test, let right {
            known.append("the other is \(Self.short(right))")
        }
        if let reason = verdict.reason { known.append(reason) }
        return "\(asked): \(verdict.word)"
            + (known.isEmpty ? "" : " (\(known.joined(separator: ", ")))")
    }

    private static func short(_ value: JSON) -> String {
        let text = value.text
        return text.count <= 120 ? text : text.prefix(119) + "…"
    }
}
