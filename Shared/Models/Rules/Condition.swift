import JSON

/// One question about one field.
public struct Condition: Hashable, Sendable {
    public let field: Field
    public let test: Test
    public let isNegated: Bool
    /// True to compare texts by case; it concerns texts only.
    public let isCaseSensitive: Bool

    public init(
        field: Field, test: Test, isNegated: Bool = false, isCaseSensitive: Bool = false
    ) {
        self.field = field
        self.test = test
        self.isNegated = isNegated
        self.isCaseSensitive = isCaseSensitive
    }

    public var `operator`: Operator { Operator(test.question, isNegated: isNegated) }
}

/// A question with its operand. See `Operator` for the truth table.
public enum Test: Hashable, Sendable {
    case exists
    case isNull
    case equalsField(Field)
    case equals(String)
    case contains(FoldedText)
    case startsWith(FoldedText)
    case endsWith(FoldedText)
    case isOneOf([String])
    /// `*` is any run of characters, `?` is one; all others are themselves.
    case matchesWildcard(String)
    /// PCRE2, found anywhere in the text unless the pattern is anchored.
    case matchesRegex(String)
    case isEmpty
    case numberEquals(JSONNumber)
    case greaterThan(JSONNumber)
    case lessThan(JSONNumber)
    /// Both ends included.
    case numberBetween(JSONNumber, JSONNumber)
    case before(DateBound)
    case after(DateBound)
    /// Both ends included.
    case dateBetween(DateBound, DateBound)
    /// Not in the future, and not longer ago than the span.
    case withinLast(Span)
    case olderThan(Span)
    /// Not in the past, and not further ahead than the span.
    case withinNext(Span)
    case isTrue
    case listContains(String)
    case containsAnyOf([String])
    case containsAllOf([String])
    case countEquals(Int)
    case countAtLeast(Int)
    case countAtMost(Int)
    case changed
    /// Changed, and now equal to the value; null means cleared.
    case changedTo(JSON)
    case changedFrom(JSON)
    case changedFromTo(JSON, JSON)
    case increased
    case decreased
    case hasLinkedIncident
    case hasLinkedRecord
    /// Holds if one linked incident or more has the status.
    case linkedIncidentStatusIs(Incident.Status)

    public var question: Operator.Question {
        switch self {
        case .exists: .exists
        case .isNull: .isNull
        case .equalsField: .equalsField
        case .equals: .equals
        case .contains: .contains
        case .startsWith: .startsWith
        case .endsWith: .endsWith
        case .isOneOf: .isOneOf
        case .matchesWildcard: .matchesWildcard
        case .matchesRegex: .matchesRegex
        case .isEmpty: .isEmpty
        case .numberEquals: .numberEquals
        case .greaterThan: .greaterThan
        case .lessThan: .lessThan
        case .numberBetween: .numberBetween
        case .before: .before
        case .after: .after
        case .dateBetween: .dateBetween
        case .withinLast: .withinLast
        case .olderThan: .olderThan
        case .withinNext: .withinNext
        case .isTrue: .isTrue
        case .listContains: .listContains
        case .containsAnyOf: .containsAnyOf
        case .containsAllOf: .containsAllOf
        case .countEquals: .countEquals
        case .countAtLeast: .countAtLeast
        case .countAtMost: .countAtMost
        case .changed: .changed
        case .changedTo: .changedTo
        case .changedFrom: .changedFrom
        case .changedFromTo: .changedFromTo
        case .increased: .increased
        case .decreased: .decreased
        case .hasLinkedIncident: .hasLinkedIncident
        case .hasLinkedRecord: .hasLinkedRecord
        case .linkedIncidentStatusIs: .linkedIncidentStatusIs
        }
    }

    /// The operand as it stands in a rules file; nil for a question that has none.
    public var operand: JSON? {
        switch self {
        case .exists, .isNull, .isEmpty, .isTrue, .changed, .increased, .decreased,
            .hasLinkedIncident, .hasLinkedRecord:
            nil
        case .equalsField(let field): .string(field.name)
        case .equals(let text), .matchesWildcard(let text), .matchesRegex(let text),
            .listContains(let text):
            .string(text)
        case .contains(let part), .startsWith(let part), .endsWith(let part): .string(part.text)
        case .isOneOf(let texts), .containsAnyOf(let texts), .containsAllOf(let texts):
            .array(texts.map(JSON.string))
        case .numberEquals(let number), .greaterThan(let number), .lessThan(let number):
            .number(number)
        case .numberBetween(let low, let high): [.number(low), .number(high)]
        case .before(let bound), .after(let bound): .string(bound.description)
        case .dateBetween(let low, let high): [.string(low.description), .string(high.description)]
        case .withinLast(let span), .olderThan(let span), .withinNext(let span):
            .string(span.description)
        case .countEquals(let count), .countAtLeast(let count), .countAtMost(let count):
            .number(JSONNumber(count))
        case .changedTo(let value), .changedFrom(let value): value
        case .changedFromTo(let old, let new): [old, new]
        case .linkedIncidentStatusIs(let status): .string(status.rawValue)
        }
    }
}

extension Condition {
    public var json: JSON {
        var object: JSONObject = [
            "field": .string(field.name), "operator": .string(self.operator.name),
        ]
        object["value"] = test.operand
        if isCaseSensitive { object["caseSensitive"] = true }
        return .object(object)
    }
}
