/// A statement as a value: literal text with numbered holes, and the values for the holes.
///
/// Built by string interpolation, every `\(value)` becomes a parameter (`$1`, `$2`, ...), so text
/// that came from outside cannot become part of the statement. `\(unescaped:)` is the only way
/// around this, and is easy to search for. Statements nest: `\(other)` renumbers its parameters.
public struct SQL: Sendable, ExpressibleByStringInterpolation {
    /// Always one more literal than values; the value at index `n` stands after literal `n`.
    private var literals: [String] = [""]
    public private(set) var values: [Value] = []

    public init(stringLiteral text: String) {
        literals = [text]
    }

    public init(stringInterpolation interpolation: StringInterpolation) {
        self = interpolation.sql
    }

    /// The statement as the server reads it, with `$n` for every value.
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

        /// Text that becomes part of the statement as it is: identifiers that this code made.
        public mutating func appendInterpolation(unescaped text: String) {
            sql.append(literal: text)
        }
    }
}
