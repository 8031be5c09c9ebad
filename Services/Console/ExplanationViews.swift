import Automation
import JSON
import Models

extension Explanation {
    /// For people: which rules were asked, then each with its conditions.
    var lines: [String] {
        var lines = [headline]
        if versionInForce != version {
            lines.append("version \(versionInForce) is in force now")
        }
        if let unreadable {
            return lines + ["the event cannot be evaluated: \(unreadable.message)"]
        }
        if evaluations.isEmpty { lines.append("no rule is enabled") }
        for evaluation in evaluations {
            lines.append("")
            lines += evaluation.text.split(separator: "\n").map(String.init)
            if let change = changes[evaluation.rule] { lines.append("  (\(change.words))") }
        }
        return lines
    }

    private var headline: String {
        guard let ending = logged.ending else {
            return "the event waits; rules of version \(version) with what is known now "
                + "(what has to be fetched is not evaluable)"
        }
        guard ending.configurationVersion != nil else {
            return "no rules were evaluated when the event was settled; "
                + "rules of version \(version), in force now"
        }
        return "rules of version \(version), in force when the event was settled"
    }

    var json: JSON {
        let rules = evaluations.map { evaluation -> JSON in
            guard case .object(var object) = evaluation.json else { return evaluation.json }
            object["since"] = changes[evaluation.rule].map { .string($0.rawValue) }
            return .object(object)
        }
        var object: JSONObject = [
            "event": .string(logged.job.event.id.rawValue),
            "connection": .string(logged.job.event.connection.rawValue),
            "outcome": .string(logged.outcomeName),
            "configurationVersion": .number(JSONNumber(Int(version))),
            "versionInForce": .number(JSONNumber(Int(versionInForce))),
            "evaluatedThen": .bool(logged.ending?.configurationVersion != nil),
        ]
        object["unreadable"] = unreadable.map { .string($0.message) }
        object["rules"] = .array(rules)
        return .object(object)
    }
}
