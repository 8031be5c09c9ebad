/// A query of the supported subset: fields of the object and of its parents, `COUNT()`,
/// conditions, order, limit and offset. No aggregates, no child queries, no `GROUP BY`.
struct ParsedSOQL: Sendable {
    enum Selection: Sendable {
        case count
        /// `FIELDS(ALL)`
        case all
        case fields([FieldPath])
    }

    /// `Subject`, `Account.Owner.Name`.
    struct FieldPath: Sendable {
        let names: [String]
        /// The position in the query, counted from 0.
        let position: Int
    }

    enum Comparison: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case like = "LIKE"
    }

    enum Literal: Sendable {
        case text(String)
        /// A number, a date or a moment; the field decides which.
        case bare(String)
        case bool(Bool)
        case null
    }

    let text: String
    var selection = Selection.count
    var object = ""
    var objectPosition = 0
    var condition: ParsedCondition?
    var order: [ParsedOrder] = []
    var limit: Int?
    var offset = 0

    init(_ text: String) throws(SalesforceError) {
        self.text = text
        var parser = try SOQLParser(text)
        try parser.parse(into: &self)
    }

    /// The error position in Salesforce's own form.
    func pointer(at position: Int) -> String {
        "\n\(text)\n\(String(repeating: " ", count: position))^\n"
            + "ERROR at Row:1:Column:\(position + 1)\n"
    }
}

struct ParsedOrder: Sendable {
    let field: ParsedSOQL.FieldPath
    let isDescending: Bool
    let nullsLast: Bool
}

indirect enum ParsedCondition: Sendable {
    case all([ParsedCondition])
    case any([ParsedCondition])
    case not(ParsedCondition)
    case compare(ParsedSOQL.FieldPath, ParsedSOQL.Comparison, ParsedSOQL.Literal)
    case member(ParsedSOQL.FieldPath, isNegated: Bool, [ParsedSOQL.Literal])
}

private struct SOQLToken {
    enum SOQLTokenKind { case word, string, symbol }

    let kind: SOQLTokenKind
    let text: String
    let position: Int
}

private struct SOQLParser {
    private var tokens: [SOQLToken] = []
    private var next = 0

    init(_ text: String) throws(SalesforceError) {
        tokens = try Self.tokens(of: Array(text))
    }

    mutating func parse(into query: inout ParsedSOQL) throws(SalesforceError) {
        try expect("SELECT")
        query.selection = try selection()
        try expect("FROM")
        let object = try word()
        (query.object, query.objectPosition) = (object.text, object.position)
        if take("WHERE") { query.condition = try condition() }
        if take("ORDER") {
            try expect("BY")
            repeat { query.order.append(try order()) } while take(",")
        }
        if take("LIMIT") { query.limit = try number() }
        if take("OFFSET") { query.offset = try number() }
        if take("ALL") { try expect("ROWS") }
        if let rest = peek { throw unexpected(rest) }
    }

    private mutating func selection() throws(SalesforceError) -> ParsedSOQL.Selection {
        if take("COUNT") {
            try expect("(")
            try expect(")")
            return .count
        }
        if take("FIELDS") {
            try expect("(")
            try expect("ALL")
            try expect(")")
            return .all
        }
        var fields: [ParsedSOQL.FieldPath] = []
        repeat { fields.append(try path()) } while take(",")
        return .fields(fields)
    }

    private mutating func order() throws(SalesforceError) -> ParsedOrder {
        let field = try path()
        let isDescending = take("DESC")
        if !isDescending { _ = take("ASC") }
        var nullsLast = false
        if take("NULLS") {
            nullsLast = take("LAST")
            if !nullsLast { try expect("FIRST") }
        }
        return ParsedOrder(field: field, isDescending: isDescending, nullsLast: nullsLast)
    }

    /// `AND` and `OR` may not stand side by side without parentheses.
    private mutating func condition() throws(SalesforceError) -> ParsedCondition {
        let first = try unary()
        var parts = [first]
        if let token = peek, Self.same(token.text, "AND") {
            while take("AND") { parts.append(try unary()) }
            try refuse("OR")
            return .all(parts)
        }
        while take("OR") { parts.append(try unary()) }
        try refuse("AND")
        return parts.count == 1 ? first : .any(parts)
    }

    private mutating func unary() throws(SalesforceError) -> ParsedCondition {
        if take("NOT") { return .not(try unary()) }
        if take("(") {
            let inner = try condition()
            try expect(")")
            return inner
        }
        return try comparison()
    }

    private mutating func comparison() throws(SalesforceError) -> ParsedCondition {
        let field = try path()
        let isNegated = take("NOT")
        if take("IN") {
            try expect("(")
            var literals: [ParsedSOQL.Literal] = []
            repeat { literals.append(try literal()) } while take(",")
            try expect(")")
            return .member(field, isNegated: isNegated, literals)
        }
        guard !isNegated, let token = peek else { throw ended() }
        next += 1
        let text = token.text == "<>" ? "!=" : token.text.uppercased()
        guard let comparison = ParsedSOQL.Comparison(rawValue: text) else {
            throw unexpected(token)
        }
        return .compare(field, comparison, try literal())
    }

    private mutating func literal() throws(SalesforceError) -> ParsedSOQL.Literal {
        guard let token = peek else { throw ended() }
        next += 1
        switch token.kind {
        case .string: return .text(token.text)
        case .symbol: throw unexpected(token)
        case .word: break
        }
        switch token.text.lowercased() {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        case let text where text.first.map { $0.isNumber || $0 == "-" || $0 == "+" } == true:
            return .bare(token.text)
        case _: throw unexpected(token)
        }
    }

    private mutating func path() throws(SalesforceError) -> ParsedSOQL.FieldPath {
        let token = try word()
        return ParsedSOQL.FieldPath(
            names: token.text.split(separator: ".").map(String.init), position: token.position)
    }

    private mutating func number() throws(SalesforceError) -> Int {
        let token = try word()
        guard let number = Int(token.text), number >= 0 else { throw unexpected(token) }
        return number
    }

    private mutating func word() throws(SalesforceError) -> SOQLToken {
        guard let token = peek else { throw ended() }
        guard token.kind == .word else { throw unexpected(token) }
        next += 1
        return token
    }

    private var peek: SOQLToken? { next < tokens.count ? tokens[next] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard let token = peek, token.kind != .string, Self.same(token.text, text) else {
            return false
        }
        next += 1
        return true
    }

    private mutating func expect(_ text: String) throws(SalesforceError) {
        guard let token = peek else { throw ended() }
        guard take(text) else { throw unexpected(token) }
    }

    private func refuse(_ text: String) throws(SalesforceError) {
        if let token = peek, Self.same(token.text, text) { throw unexpected(token) }
    }

    private static func same(_ a: String, _ b: String) -> Bool { a.uppercased() == b }

    private func unexpected(_ token: SOQLToken) -> SalesforceError {
        .malformedQuery("unexpected token: '\(token.text)'")
    }

    private func ended() -> SalesforceError { .malformedQuery("unexpected token: '<EOF>'") }
}

extension SOQLParser {
    private static func tokens(of text: [Character]) throws(SalesforceError) -> [SOQLToken] {
        var tokens: [SOQLToken] = []
        var position = 0
        while position < text.count {
            let start = position
            let character = text[position]
            if character.isWhitespace {
                position += 1
            } else if character == "'" {
                let string = try quoted(text, from: &position)
                tokens.append(SOQLToken(kind: .string, text: string, position: start))
            } else if isPartOfWord(character) {
                while position < text.count, isPartOfWord(text[position]) { position += 1 }
                let word = String(text[start..<position])
                tokens.append(SOQLToken(kind: .word, text: word, position: start))
            } else {
                let pair = String(text[start..<min(start + 2, text.count)])
                let symbol = ["!=", "<=", ">=", "<>"].contains(pair) ? pair : String(character)
                position += symbol.count
                tokens.append(SOQLToken(kind: .symbol, text: symbol, position: start))
            }
        }
        return tokens
    }

    private static func isPartOfWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "_.:+-".contains(character)
    }

    private static func quoted(
        _ text: [Character], from position: inout Int
    ) throws(SalesforceError) -> String {
        var string = ""
        position += 1
        while position < text.count {
            let character = text[position]
            position += 1
            if character == "'" { return string }
            guard character == "\\" else {
                string.append(character)
                continue
            }
            guard position < text.count else { break }
            string += try unescaped(text[position])
            position += 1
        }
        throw .malformedQuery("line 1:\(position) mismatched character '<EOF>' expecting '''")
    }

    /// `\%` and `\_` stay escaped: only `LIKE` knows what they mean.
    private static func unescaped(_ character: Character) throws(SalesforceError) -> String {
        switch character {
        case "n", "N": return "\n"
        case "r", "R": return "\r"
        case "t", "T": return "\t"
        case "b", "B": return "\u{8}"
        case "f", "F": return "\u{C}"
        case "'", "\"", "\\": return String(character)
        case "%", "_": return "\\\(character)"
        case _: throw .malformedQuery("invalid escape sequence '\\\(character)'")
        }
    }
}
