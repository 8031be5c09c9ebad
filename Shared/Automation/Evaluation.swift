import JSON
import Models

/// The result of one rule for one event, with the reasons.
public struct Evaluation: Hashable, Sendable {
    public var rule: RuleID
    /// The record for which the rule was evaluated; nil if no record of its object is linked.
    public var record: RecordReference?
    public var result: Result

    public enum Result: Hashable, Sendable {
        case matched(Trace)
        case notMatched(Trace)
        /// The rule is not about this event: another direction, another object, an echo.
        case notApplicable(String)
    }

    public var isMatched: Bool {
        switch result {
        case .matched: true
        case .notMatched, .notApplicable: false
        }
    }

    /// Nil if it did not match.
    public var match: Match? { isMatched ? Match(rule: rule, record: record) : nil }

    public init(rule: RuleID, record: RecordReference?, result: Result) {
        self.rule = rule
        self.record = record
        self.result = result
    }
}

/// The answer to one condition or group. In Kleene's logic a condition that cannot be evaluated
/// never makes a rule match, whatever is negated around it.
public enum Verdict: Hashable, Sendable {
    case yes
    case no
    case notEvaluable(String)
    /// The condition reads a fact that could be fetched and was not. It counts as not evaluable.
    case unfetched
}

/// The tree of conditions with every answer.
public indirect enum Trace: Hashable, Sendable {
    case group(Group, Verdict, [Trace])
    case always
    case condition(ConditionTrace)

    public enum Group: String, Sendable { case all, any, none }

    public var verdict: Verdict {
        switch self {
        case .group(_, let verdict, _): verdict
        case .always: .yes
        case .condition(let condition): condition.verdict
        }
    }
}

public struct ConditionTrace: Hashable, Sendable {
    public var condition: Condition
    /// The field's value; nil if it is not known.
    public var left: JSON?
    /// The value before the change, for a field of a record whose old values are told.
    public var old: JSON?
    /// The value on the right: the operand, or the other field's value.
    public var right: JSON?
    public var verdict: Verdict
}
