/// A statement as a value: its text with numbered parameters, and their values.
///
/// String interpolation builds it: every `\(value)` becomes a parameter (`$1`, `$2`, ...), so text
/// from outside cannot become part of the statement. Only `\(unescaped:)` inserts text as it is.
/// Statements nest: `\(other)` renumbers its parameters.
public struct SQL: Sendable, ExpressibleByStringInterpolation {
    /// There is one more literal than values; the value at index `n` stands after literal `n`.
    private var literals: [String] = [""]
    public private(set) var values: [Value] = []

    public init(stringLiteral text: String) {
        literals = [text]
    }

    public init(stringInterpolation interpolation: StringInterpolation) {
        self = interpolation.sql
    }

    /// The statement that the server reads, with `$n` for every value.
    public var text: String {
        var text = literals[0]
        for index in values.indices {
            text += "$\(index + 1)"
            text += literals[index + 1]
        }
        return text
    }

    private mutating func append(literal: String) {
        literals[literals.count - 1] += literal
    }

    private mutating func append(value: Value) {
        values.append(value)
        literals.append("")
    }

    private mutating func append(_ other: SQL) {
        append(literal: other.literals[0])
        for (value, literal) in zip(other.values, other.literals.dropFirst()) {
            append(value: value)
            append(literal: literal)
        }
    }

    public struct StringInterpolation: StringInterpolationProtocol, Sendable {
        fileprivate var sql: SQL = ""

        public init(literalCapacity: Int, interpolationCount: Int) {}

        public mutating func appendLiteral(_ literal: String) {
            sql.append(literal: literal)
        }

        public mutating func appendInterpolation<T: Bindable>(_ value: T) {
            sql.append(value: value.bound)
        }

        public mutating func appendInterpolation<T: Bindable>(_ value: T?) {
            sql.append(value: value?.bound ?? T.null)
        }

        /// A one-dimensional array, for `unnest` and `= ANY`.
        public mutating func appendInterpolation<T: Bindable>(_ elements: [T]) {
            sql.append(value: Value(array: elements))
        }

        public mutating func appendInterpolation<T: Bindable>(_ elements: [T?]) {
            sql.append(value: Value(array: elements))
        }

        public mutating func appendInterpolation(_ statement: SQL) {
            sql.append(statement)
        }

        /// Inserts text into the statement as it is. The text must be of this code: identifiers.
        public mutating func appendInterpolation(unescaped text: String) {
            sql.append(literal: text)
        }
    }
}
