import JSON

/// A JSON value whose texts are templates; everything else stands for itself.
public indirect enum ValueTemplate: Hashable, Sendable {
    case literal(JSON)
    case template(Template)
    case array([ValueTemplate])
    case object([MemberTemplate])

    public var fields: [Field] {
        switch self {
        case .literal: []
        case .template(let template): template.fields
        case .array(let elements): elements.flatMap(\.fields)
        case .object(let members): members.flatMap { $0.value.fields }
        }
    }

    public var json: JSON {
        switch self {
        case .literal(let value): value
        case .template(let template): .string(template.source)
        case .array(let elements): .array(elements.map(\.json))
        case .object(let members): .object(JSONObject(members.map { ($0.key, $0.value.json) }))
        }
    }
}

/// A member of an object whose value is a template.
public struct MemberTemplate: Hashable, Sendable {
    public let key: String
    public let value: ValueTemplate

    public init(key: String, value: ValueTemplate) {
        self.key = key
        self.value = value
    }
}

extension RuleReading {
    func template(_ reader: JSONReader) -> Template? {
        guard let source = reader.string() else { return nil }
        guard source.utf8.count <= RuleLimits.templateBytesMax else {
            reader.problem("must not be longer than \(RuleLimits.templateBytesMax) bytes")
            return nil
        }
        do {
            return try Template(parsing: source, field: field(named:))
        } catch {
            reader.problem(error.description)
            return nil
        }
    }

    /// A template that may not be empty: the id of something, the text of a note.
    func filledTemplate(_ reader: JSONReader) -> Template? {
        guard let template = template(reader) else { return nil }
        if !template.parts.isEmpty { return template }
        reader.problem("must not be empty")
        return nil
    }

    /// Any JSON, no deeper than groups may be.
    func value(_ reader: JSONReader, depth: Int = 0) -> ValueTemplate? {
        guard depth <= RuleLimits.depthMax else {
            reader.problem("may be nested \(RuleLimits.depthMax) deep")
            return nil
        }
        switch reader.value {
        case .null, .bool, .number: return .literal(reader.value)
        case .string: return template(reader).map(ValueTemplate.template)
        case .array:
            let elements = reader.elements()
            guard isFew(elements.count, reader) else { return nil }
            let values = elements.compactMap { value($0, depth: depth + 1) }
            return values.count == elements.count ? .array(values) : nil
        case .object:
            return members(reader, depth: depth).map(ValueTemplate.object)
        }
    }

    /// The value of a record's field: a text, a number, true, false or null. Compound fields are
    /// read-only in Salesforce (Salesforce.md 34).
    func scalar(_ reader: JSONReader) -> ValueTemplate? {
        switch reader.value {
        case .null, .bool, .number, .string: return value(reader)
        case .array, .object:
            reader.problem("must be a text, a number, true, false or null")
            return nil
        }
    }

    private func members(_ reader: JSONReader, depth: Int) -> [MemberTemplate]? {
        let members = reader.value.object?.members ?? []
        guard isFew(members.count, reader) else { return nil }
        let read = members.map { member in
            let at = JSONReader(
                member.value, at: reader.pointer(to: member.key), problems: reader.problems)
            return value(at, depth: depth + 1).map {
                MemberTemplate(key: member.key, value: $0)
            }
        }
        return read.contains(nil) ? nil : read.compactMap { $0 }
    }

    private func isFew(_ count: Int, _ reader: JSONReader) -> Bool {
        guard count > RuleLimits.valuesMax else { return true }
        reader.problem("may have \(RuleLimits.valuesMax) elements")
        return false
    }
}
