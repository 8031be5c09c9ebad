import JSON
import Models

/// The reason for which a template gives no text. It is permanent: a person must correct the rule
/// or the data.
struct RenderingProblem: Error {
    let cause: Cause

    init(_ cause: Cause) { self.cause = cause }

    init(_ code: String, _ message: String) {
        cause = Cause(.liaison, code: "template.\(code)", message: message)
    }
}

/// Fills templates with the values that a rule reads from an event.
struct Rendering {
    let scope: RuleScope

    func text(_ template: Template) throws(RenderingProblem) -> String {
        var text = ""
        for part in template.parts {
            switch part {
            case .text(let fixed): text += fixed
            case .placeholder(let placeholder): text += Self.text(try value(placeholder))
            }
            guard text.utf8.count <= RuleLimits.templateBytesMax else {
                throw RenderingProblem(
                    "tooLong",
                    "the text is longer than \(RuleLimits.templateBytesMax) bytes; "
                        + "add the filter truncate: \(template.source.prefix(80))")
            }
        }
        return text
    }

    /// A template of one placeholder alone keeps the type of its value; everything else is a text.
    func value(_ template: ValueTemplate) throws(RenderingProblem) -> JSON {
        switch template {
        case .literal(let value): return value
        case .template(let template):
            guard let placeholder = template.onlyPlaceholder else {
                return .string(try text(template))
            }
            _ = try text(template)
            return try value(placeholder)
        case .array(let elements):
            var values: [JSON] = []
            for element in elements { values.append(try value(element)) }
            return .array(values)
        case .object(let members):
            var object = JSONObject()
            for member in members { object[member.key] = try value(member.value) }
            return .object(object)
        }
    }

    /// Sets a field of a record and replaces an earlier value of the same name in any case. No
    /// field takes a list or an object: it becomes its form inside a text.
    func set(_ field: FieldTemplate, in fields: inout JSONObject) throws(RenderingProblem) {
        let name = fields.keys.first { Names.areSame($0, field.field) } ?? field.field
        let value = try value(field.value)
        fields[name] =
            switch value {
            case .array, .object: .string(Self.text(value))
            case .null, .bool, .number, .string: value
            }
    }

    private func value(_ placeholder: Template.Placeholder) throws(RenderingProblem) -> JSON {
        var value: JSON
        switch scope.value(of: placeholder.field) {
        case .known(let known): value = known
        case .missing, .unfetched: value = .null
        // Null would overwrite the value that is there.
        case .unreadable(let reason):
            throw RenderingProblem(
                "unreadable", "\(placeholder.field.name) cannot be read: \(reason)")
        }
        for filter in placeholder.filters {
            value = try apply(filter, to: value, of: placeholder.field)
        }
        return value
    }

    private func apply(
        _ filter: Template.Filter, to value: JSON, of field: Field
    ) throws(RenderingProblem) -> JSON {
        switch filter {
        case .default(let text): return Self.isEmpty(value) ? .string(text) : value
        case .upper: return .string(Self.text(value).uppercased())
        case .lower: return .string(Self.text(value).lowercased())
        case .trim: return .string(ValueReading.trimmed(Self.text(value)))
        case .truncate(let count): return .string(Self.text(value).cut(toUnits: count))
        case .date(let pattern):
            return ValueReading.moment(value).map { .string($0.formatted(pattern)) } ?? value
        case .json: return .string(value.text)
        case .stripHTML: return .string(HTMLText.plain(Self.text(value)))
        case .join(let separator):
            return .string(
                (ValueReading.list(value) ?? [Self.text(value)]).joined(separator: separator))
        case .required:
            guard Self.isEmpty(value) else { return value }
            throw RenderingProblem("required", "\(field.name) is empty, but the rule requires it")
        }
    }

    private static func isEmpty(_ value: JSON) -> Bool {
        ValueReading.isBlank(value) || value.array?.isEmpty == true
    }

    /// Lists of texts as people write them, other structures as JSON.
    private static func text(_ value: JSON) -> String {
        if let text = ValueReading.text(value) { return text }
        return value.array.flatMap { _ in ValueReading.list(value) }?.joined(separator: ", ")
            ?? value.text
    }
}

extension Timestamp {
    /// The time in UTC, by the pattern of `Template.Filter.date`.
    func formatted(_ pattern: String) -> String {
        let digits = Array(iso8601)
        let parts: [(token: String, value: String)] = [
            ("yyyy", String(digits[0..<4])), ("MM", String(digits[5..<7])),
            ("dd", String(digits[8..<10])), ("HH", String(digits[11..<13])),
            ("mm", String(digits[14..<16])), ("ss", String(digits[17..<19])),
        ]
        var rest = Substring(pattern)
        var text = ""
        while let character = rest.first {
            if let part = parts.first(where: { rest.hasPrefix($0.token) }) {
                text += part.value
                rest = rest.dropFirst(part.token.count)
            } else {
                text.append(character)
                rest = rest.dropFirst()
            }
        }
        return text
    }
}
