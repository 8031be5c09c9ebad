import Automation
import JSON
import Models

extension Explanation {
    /// The text for people: the version of the rules, then each rule with its conditions, and at
    /// the end the rules that do not apply to this event.
    var lines: [String] {
        var lines = [headline]
        if history.versionInForce != history.version {
            lines.append("version \(history.versionInForce) is in force now")
        }
        if let unreadable {
            return lines + ["the event cannot be evaluated: \(unreadable.message)"]
        }
        if evaluations.isEmpty { lines.append("no rule is enabled") }
        for evaluation in evaluations where evaluation.isApplicable {
            lines += [""] + self.lines(of: evaluation)
        }
        let others = evaluations.filter { !$0.isApplicable }
        if !others.isEmpty { lines += [""] + others.flatMap(self.lines) }
        return lines
    }

    private func lines(of evaluation: Evaluation) -> [String] {
        let change = history.change(of: evaluation.rule).map { ["  (\($0.words))"] }
        return evaluation.text.split(separator: "\n").map(String.init)
            + (evaluation.isMatched ? actions(of: evaluation.rule).lines : []) + (change ?? [])
    }

    private var headline: String {
        guard let ending = logged.ending else {
            return "the event waits; rules of version \(history.version) with what is known now "
                + "(what has to be fetched is not evaluable)"
        }
        if case .failed(let cause) = ending.outcome {
            return "the event failed: \(cause); rules of version \(history.version), in force then "
                + "(what could not be fetched is not evaluable)"
        }
        guard ending.configurationVersion != nil else {
            return "the event was settled in another database; "
                + "rules of version \(history.version), in force now"
        }
        return "rules of version \(history.version), in force when the event was settled"
    }

    var json: JSON {
        let rules = evaluations.map { evaluation -> JSON in
            guard case .object(var object) = evaluation.json else { return evaluation.json }
            object["since"] = history.change(of: evaluation.rule).map { .string($0.rawValue) }
            if evaluation.isMatched { object["actions"] = actions(of: evaluation.rule).json }
            return .object(object)
        }
        var object: JSONObject = [
            "event": .string(logged.job.event.id.rawValue),
            "connection": .string(logged.job.event.connection.rawValue),
            "outcome": .string(logged.outcomeName),
            "configurationVersion": .number(JSONNumber(Int(history.version.rawValue))),
            "versionInForce": .number(JSONNumber(Int(history.versionInForce.rawValue))),
            "evaluatedThen": .bool(logged.ending?.configurationVersion != nil),
        ]
        object["unreadable"] = unreadable.map { .string($0.message) }
        object["rules"] = .array(rules)
        return .object(object)
    }
}

extension Evaluation {
    fileprivate var isApplicable: Bool {
        switch result {
        case .matched, .notMatched: true
        case .notApplicable: false
        }
    }
}
