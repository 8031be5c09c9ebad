import Models

/// The effects that the matched rules want, in order.
public struct Plan: Hashable, Sendable {
    public var effects: [Effect] = []
    /// The actions that cannot be carried out until a person corrects the rule or the data. The
    /// event is marked failed after the effects are performed.
    public var problems: [Problem] = []
    /// Actions that had nothing to act on, in words for the explanation.
    public var remarks: [Remark] = []

    public struct Problem: Hashable, Sendable {
        public var rule: RuleID
        public var cause: Cause
    }

    public struct Remark: Hashable, Sendable {
        public var rule: RuleID
        /// The action's place in its rule, from 0.
        public var ordinal: Int
        public var text: String

        public var words: String { "action \(ordinal + 1): \(text)" }
    }

    public init() {}
}
