/// A JSON number as its literal, so that nothing is lost: 38-digit ids and money alike.
/// Two numbers are equal when they denote the same decimal (`1`, `1.0` and `10e-1`).
public struct JSONNumber: Sendable {
    /// The digits as sent; always a valid number of RFC 8259 section 6.
    public let literal: String

    /// Only for the parser, which has checked the grammar.
    init(checked literal: String) { self.literal = literal }

    public init(_ value: Int) { literal = String(value) }

    /// Returns nil for infinities and NaN, which JSON cannot express.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        if let whole = Int(exactly: value) {
            literal = String(whole)
        } else {
            literal = "\(value)"
        }
    }

    /// The number when it is whole and fits in 64 bits; `1.0` and `1e2` are whole.
    public var int: Int? {
        if let value = Int(literal) { return value }
        let decimal = Decimal(literal)
        guard decimal.exponent >= 0, decimal.digits.count + decimal.exponent <= 19 else {
            return nil
        }
        let digits = decimal.digits + String(repeating: "0", count: decimal.exponent)
        return Int((decimal.isNegative ? "-" : "") + digits)
    }

    /// One spelling for all literals of the same number: `12e-1` for `1.2`, `1.20` and `12e-1`.
    public var canonical: String {
        let decimal = Decimal(literal)
        let digits = decimal.digits.isEmpty ? "0" : decimal.digits
        return "\(decimal.isNegative ? "-" : "")\(digits)e\(decimal.exponent)"
    }

    /// The nearest binary64; infinite when the literal is beyond its range.
    public var double: Double { Double(literal) ?? .infinity }
}

extension JSONNumber: Equatable, Hashable, Comparable {
    public static func == (a: Self, b: Self) -> Bool {
        a.literal == b.literal || Decimal(a.literal) == Decimal(b.literal)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(Decimal(literal)) }

    public static func < (a: Self, b: Self) -> Bool {
        Decimal(a.literal).isLess(than: Decimal(b.literal))
    }
}

/// A literal in one canonical form: no leading or trailing zeros, one exponent.
private struct Decimal: Hashable {
    var isNegative = false
    var digits = ""
    var exponent = 0

    init(_ literal: String) {
        var whole = ""
        var fraction = ""
        var exponentText = ""
        var part = 0
        for character in literal.utf8 {
            switch character {
            case UInt8(ascii: "."): part = 1
            case UInt8(ascii: "e"), UInt8(ascii: "E"): part = 2
            case UInt8(ascii: "-") where part < 2: isNegative = true
            case _:
                let scalar = Character(UnicodeScalar(character))
                if part == 0 { whole.append(scalar) }
                if part == 1 { fraction.append(scalar) }
                if part == 2 { exponentText.append(scalar) }
            }
        }
        // An exponent beyond a million is no quantity; clamping keeps the arithmetic in range.
        let written = Int(exponentText) ?? (exponentText.first == "-" ? -1_000_000 : 1_000_000)
        exponent = (exponentText.isEmpty ? 0 : max(-1_000_000, min(1_000_000, written)))
        exponent -= fraction.utf8.count
        let all = whole + fraction
        let leading = all.drop { $0 == "0" }
        let significant = leading.reversed().drop { $0 == "0" }
        digits = String(significant.reversed())
        exponent += leading.count - digits.count
        if digits.isEmpty { (isNegative, exponent) = (false, 0) }
    }

    func isLess(than other: Decimal) -> Bool {
        if isNegative != other.isNegative { return isNegative }
        return isNegative ? other.isSmaller(than: self) : isSmaller(than: other)
    }

    /// Compares magnitudes.
    private func isSmaller(than other: Decimal) -> Bool {
        if digits.isEmpty || other.digits.isEmpty { return digits.isEmpty && !other.digits.isEmpty }
        let order = digits.utf8.count + exponent
        let otherOrder = other.digits.utf8.count + other.exponent
        return order == otherOrder ? digits < other.digits : order < otherOrder
    }
}
