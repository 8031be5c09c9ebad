import JSON

/// The values of `{{name}}`.
struct Variables: Sendable {
    private var values: [String: JSON]

    init(_ texts: [String: String]) { values = texts.mapValues(JSON.string) }

    mutating func set(_ name: String, _ value: JSON) { values[name] = value }

    func filled(_ text: String) throws(ScenarioError) -> String {
        var filled = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else { break }
            let value = try value(of: String(rest[open.upperBound..<close.lowerBound]))
            filled += rest[..<open.lowerBound] + (value.string ?? value.text)
            rest = rest[close.upperBound...]
        }
        return filled + rest
    }

    /// A string that holds only `{{name}}` becomes the value with its type.
    func filled(_ json: JSON) throws(ScenarioError) -> JSON {
        switch json {
        case .null, .bool, .number: return json
        case .string(let text):
            if let name = Self.onlyName(text) { return try value(of: name) }
            return .string(try filled(text))
        case .array(let elements):
            var filled: [JSON] = []
            for element in elements { filled.append(try self.filled(element)) }
            return .array(filled)
        case .object(let object):
            var filled = JSONObject()
            for member in object.members {
                filled[try self.filled(member.key)] = try self.filled(member.value)
            }
            return .object(filled)
        }
    }

    private func value(of name: String) throws(ScenarioError) -> JSON {
        guard let value = values[name] else { throw .unknownName(name) }
        return value
    }

    private static func onlyName(_ text: String) -> String? {
        guard text.hasPrefix("{{"), text.hasSuffix("}}") else { return nil }
        let name = text.dropFirst(2).dropLast(2)
        return name.contains("}") ? nil : String(name)
    }
}
