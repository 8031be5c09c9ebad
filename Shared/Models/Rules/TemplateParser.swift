/// A text that is no template: the reason and the position.
public struct TemplateError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The position in characters, from 1.
    public let position: Int
    public let message: String

    public var description: String { "at character \(position): \(message)" }
}

extension Template {
    /// - Parameter field: accepts or refuses the name of a field.
    init(
        parsing source: String, field: (String) -> Result<Field, RuleReading.Unsuitable>
    ) throws(TemplateError) {
        var parser = TemplateParser(source)
        self.init(source: source, parts: try parser.parts(field: field))
    }

    /// Accepts the fields of both directions.
    public init(parsing source: String) throws(TemplateError) {
        try self.init(parsing: source) { name in
            Field(name).map { .success($0) } ?? .failure(.init("\"\(name)\" is no field"))
        }
    }
}

private struct TemplateParser {
    typealias Judge = (String) -> Result<Field, RuleReading.Unsuitable>

    private let characters: [Character]
    private var position = 0

    init(_ source: String) { characters = Array(source) }

    mutating func parts(field: Judge) throws(TemplateError) -> [Template.Part] {
        var parts: [Template.Part] = []
        var text = ""
        while position < characters.count {
            guard skip("{", "{") else {
                text.append(characters[position])
                position += 1
                continue
            }
            skipBlanks()
            if let quoted = try quoted() {
                text += quoted
            } else {
                if !text.isEmpty { parts.append(.text(text)) }
                text = ""
                parts.append(.placeholder(try placeholder(field: field)))
            }
            skipBlanks()
            guard skip("}", "}") else { throw error("}} or a filter is expected here") }
        }
        if !text.isEmpty { parts.append(.text(text)) }
        return parts
    }

    private mutating func placeholder(field: Judge) throws(TemplateError) -> Template.Placeholder {
        let start = position
        let name = word()
        let found: Field
        switch field(name) {
        case .success(let field): found = field
        case .failure(let why):
            throw TemplateError(position: start + 1, message: why.message)
        }
        var filters: [Template.Filter] = []
        skipBlanks()
        while peek == "|" {
            position += 1
            filters.append(try filter())
            skipBlanks()
        }
        return Template.Placeholder(field: found, filters: filters)
    }

    private mutating func filter() throws(TemplateError) -> Template.Filter {
        skipBlanks()
        let start = position
        let word = word()
        guard let name = Template.FilterName(rawValue: word) else {
            let known = Template.FilterName.allCases.map(\.rawValue).joined(separator: ", ")
            throw TemplateError(
                position: start + 1, message: "\"\(word)\" is no filter; known: \(known)")
        }
        switch name {
        case .default: return .default(try requiredText())
        case .upper: return .upper
        case .lower: return .lower
        case .trim: return .trim
        case .truncate: return .truncate(try requiredNumber())
        case .date: return .date(try optionalText() ?? Template.Filter.datePattern)
        case .json: return .json
        case .stripHTML: return .stripHTML
        case .join: return .join(try optionalText() ?? ", ")
        case .required: return .required
        }
    }

    private mutating func requiredText() throws(TemplateError) -> String {
        guard let text = try optionalText() else {
            throw error("this filter needs a text: name: 'text'")
        }
        return text
    }

    private mutating func optionalText() throws(TemplateError) -> String? {
        skipBlanks()
        guard peek == ":" else { return nil }
        position += 1
        skipBlanks()
        if let text = try quoted() { return text }
        throw error("a text in quotes is expected here")
    }

    private mutating func requiredNumber() throws(TemplateError) -> Int {
        skipBlanks()
        guard peek == ":" else { throw error("this filter needs a number: name: 80") }
        position += 1
        skipBlanks()
        guard let number = Int(word()), (1...Template.Filter.charactersMax).contains(number) else {
            throw error("a number from 1 to \(Template.Filter.charactersMax) is expected here")
        }
        return number
    }

    private mutating func quoted() throws(TemplateError) -> String? {
        guard let quote = peek, quote == "'" || quote == "\"" else { return nil }
        position += 1
        var text = ""
        while let next = peek {
            position += 1
            if next == quote { return text }
            text.append(next)
        }
        throw error("the closing \(quote) is missing")
    }

    private mutating func word() -> String {
        var word = ""
        while let next = peek, next.isLetter || next.isNumber || next == "." || next == "_" {
            word.append(next)
            position += 1
        }
        return word
    }

    private var peek: Character? { position < characters.count ? characters[position] : nil }

    private mutating func skip(_ first: Character, _ second: Character) -> Bool {
        guard peek == first, position + 1 < characters.count, characters[position + 1] == second
        else { return false }
        position += 2
        return true
    }

    private mutating func skipBlanks() {
        while let next = peek, next.isWhitespace { position += 1 }
    }

    private func error(_ message: String) -> TemplateError {
        TemplateError(position: position + 1, message: message)
    }
}
