/// The operator of a condition: a question, and whether it is negated. Every question has two
/// names, so every operator has its negation.
///
/// The answer is true, false or "not evaluable" with a reason. Not evaluable never makes a rule
/// match, negated or not: groups combine it as Kleene's third value. A value that the event leaves
/// out is looked up where that is possible. The truth table, for a value that is not told / that is
/// null / that is of another type ("-" is not evaluable):
///
/// - `exists`: false / false / true
/// - `isNull`: - / true / false
/// - `equalsField`: - / equal to null and to the empty text only / by what the values mean
/// - `isEmpty`: - / true / true for an empty list, false for any other structure
/// - text: - / as the empty text, because Salesforce knows no difference / numbers and booleans as
///   they are written in JSON, lists and objects -
/// - number, date-time, boolean: - / - / a text that is exactly one is one (`"12.50"`, `"true"`,
///   `"2026-03-02"`), all else -
///   A date as operand is its whole day in UTC: `after` begins with the next day, `onOrBefore` and
///   `dateBetween` end with it
/// - list: - / as the empty list / a text is a multi-select value, `"a;b"`, all else -
/// - change: - also when no old values are told / null is a value like any other, and on an insert
///   every old value is null / `increased` and `decreased` are - unless both values are numbers or
///   both are date-times
/// - link: an event without links has none; `linkedIncidentStatusIs` is - if no linked incident is
///   known to have the status and the status of one is not known
///
/// Texts are compared without regard to case unless the condition says `"caseSensitive": true`. A
/// Salesforce id of 15 characters equals its form of 18; ids that differ in case only are
/// different.
public struct Operator: Hashable, Sendable {
    public let question: Question
    public let isNegated: Bool

    public init(_ question: Question, isNegated: Bool = false) {
        self.question = question
        self.isNegated = isNegated
    }

    public init?(name: String) {
        guard let found = Self.byName[name] else { return nil }
        self = found
    }

    public var name: String { isNegated ? question.names.negated : question.names.plain }

    private static let byName = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.name, $0) })
}

extension Operator: CaseIterable {
    public static let allCases: [Operator] = Question.allCases.flatMap {
        [Operator($0), Operator($0, isNegated: true)]
    }
}

extension Operator {
    public enum Question: CaseIterable, Hashable, Sendable {
        case exists, isNull, equalsField
        case equals, contains, startsWith, endsWith, isOneOf, matchesWildcard, matchesRegex, isEmpty
        case numberEquals, greaterThan, lessThan, numberBetween
        case before, after, dateBetween, withinLast, olderThan, withinNext
        case isTrue
        case listContains, containsAnyOf, containsAllOf, countEquals, countAtLeast, countAtMost
        case changed, changedTo, changedFrom, changedFromTo, increased, decreased
        case hasLinkedIncident, hasLinkedRecord, linkedIncidentStatusIs

        var names: (plain: String, negated: String) {
            switch self {
            case .exists: ("exists", "notExists")
            case .isNull: ("isNull", "isNotNull")
            case .equalsField: ("equalsField", "notEqualsField")
            case .equals: ("equals", "notEquals")
            case .contains: ("contains", "notContains")
            case .startsWith: ("startsWith", "notStartsWith")
            case .endsWith: ("endsWith", "notEndsWith")
            case .isOneOf: ("isOneOf", "isNoneOf")
            case .matchesWildcard: ("matchesWildcard", "notMatchesWildcard")
            case .matchesRegex: ("matchesRegex", "notMatchesRegex")
            case .isEmpty: ("isEmpty", "isNotEmpty")
            case .numberEquals: ("numberEquals", "numberNotEquals")
            case .greaterThan: ("greaterThan", "atMost")
            case .lessThan: ("lessThan", "atLeast")
            case .numberBetween: ("between", "notBetween")
            case .before: ("before", "onOrAfter")
            case .after: ("after", "onOrBefore")
            case .dateBetween: ("dateBetween", "dateNotBetween")
            case .withinLast: ("withinLast", "notWithinLast")
            case .olderThan: ("olderThan", "notOlderThan")
            case .withinNext: ("withinNext", "notWithinNext")
            case .isTrue: ("isTrue", "isFalse")
            case .listContains: ("listContains", "notListContains")
            case .containsAnyOf: ("containsAnyOf", "containsNoneOf")
            case .containsAllOf: ("containsAllOf", "notContainsAllOf")
            case .countEquals: ("countEquals", "countNotEquals")
            case .countAtLeast: ("countAtLeast", "countLessThan")
            case .countAtMost: ("countAtMost", "countMoreThan")
            case .changed: ("changed", "notChanged")
            case .changedTo: ("changedTo", "notChangedTo")
            case .changedFrom: ("changedFrom", "notChangedFrom")
            case .changedFromTo: ("changedFromTo", "notChangedFromTo")
            case .increased: ("increased", "notIncreased")
            case .decreased: ("decreased", "notDecreased")
            case .hasLinkedIncident: ("hasLinkedIncident", "hasNoLinkedIncident")
            case .hasLinkedRecord: ("hasLinkedRecord", "hasNoLinkedRecord")
            case .linkedIncidentStatusIs: ("linkedIncidentStatusIs", "linkedIncidentStatusIsNot")
            }
        }
    }
}

/// The kind of value that an operator compares.
public enum OperatorFamily: Sendable {
    case any, text, number, moment, boolean, list, change, linkedIncidents, linkedRecords
}

extension Operator.Question {
    public var family: OperatorFamily {
        switch self {
        case .exists, .isNull, .equalsField, .isEmpty: .any
        case .equals, .contains, .startsWith, .endsWith, .isOneOf, .matchesWildcard,
            .matchesRegex:
            .text
        case .numberEquals, .greaterThan, .lessThan, .numberBetween: .number
        case .before, .after, .dateBetween, .withinLast, .olderThan, .withinNext: .moment
        case .isTrue: .boolean
        case .listContains, .containsAnyOf, .containsAllOf, .countEquals, .countAtLeast,
            .countAtMost:
            .list
        case .changed, .changedTo, .changedFrom, .changedFromTo, .increased, .decreased: .change
        case .hasLinkedIncident, .linkedIncidentStatusIs: .linkedIncidents
        case .hasLinkedRecord: .linkedRecords
        }
    }

    /// The reason for which the question has no meaning for the field in this direction; nil if it
    /// has one.
    func problem(on field: Field, in direction: Rule.Direction) -> String? {
        switch family {
        case .any: nil
        case .text: field.type == .list ? "is for texts; use listContains for a list" : nil
        case .number: accepts(field, .number)
        case .moment: accepts(field, .moment)
        case .boolean: accepts(field, .boolean)
        case .list: accepts(field, .list)
        case .change: changeProblem(on: field, in: direction)
        case .linkedIncidents:
            field == .fact(.linkIncidents) ? nil : "belongs to the field link.incidents"
        case .linkedRecords:
            field == .fact(.linkRecords) ? nil : "belongs to the field link.records"
        }
    }

    private func accepts(_ field: Field, _ type: ValueType) -> String? {
        field.type == type || field.type == .any
            ? nil : "is for a \(type.rawValue), but \(field.name) is a \(field.type.rawValue)"
    }

    /// PagerDuty never sends the state before (PagerDuty.md 8), and a fetched record has none.
    private func changeProblem(on field: Field, in direction: Rule.Direction) -> String? {
        guard case .record = field, direction == .recordChange else {
            return "needs old values: only fields of the record in rules of direction "
                + "recordChange have them"
        }
        return nil
    }
}
