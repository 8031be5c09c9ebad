import Foundation
import JSON

/// The part of JSON Schema (draft 2020-12) that `deploy/configuration.schema.json` uses.
struct JSONSchema {
    let root: JSON

    /// Every place at which a value breaks the schema: `pointer: keyword`.
    func problems(_ value: JSON) -> [String] { problems(value, root, "") }

    func problems(_ value: JSON, definition: String) -> [String] {
        root["$defs"]?[definition].map { problems(value, $0, "") } ?? ["no \(definition)"]
    }

    private func problems(_ value: JSON, _ schema: JSON, _ pointer: String) -> [String] {
        guard let members = schema.object?.members else {
            return schema == true ? [] : ["\(pointer): false"]
        }
        return members.flatMap { member in
            problems(value, member.key, member.value, schema, pointer)
        }
    }

    private func isValid(_ value: JSON, _ schema: JSON) -> Bool {
        problems(value, schema, "").isEmpty
    }

    private func problems(
        _ value: JSON, _ keyword: String, _ argument: JSON, _ schema: JSON, _ pointer: String
    ) -> [String] {
        switch keyword {
        case "$ref":
            let name = argument.string?.split(separator: "/").last.map(String.init) ?? ""
            return root["$defs"]?[name].map { problems(value, $0, pointer) } ?? ["no \(name)"]
        case "properties", "additionalProperties", "items", "allOf":
            return parts(value, keyword, argument, schema, pointer)
        case "then":
            guard let condition = schema["if"], isValid(value, condition) else { return [] }
            return problems(value, argument, pointer)
        default: return holds(value, keyword, argument) ? [] : ["\(pointer): \(keyword)"]
        }
    }

    /// The keywords that apply schemas to parts of the value.
    private func parts(
        _ value: JSON, _ keyword: String, _ argument: JSON, _ schema: JSON, _ pointer: String
    ) -> [String] {
        let members = value.object?.members ?? []
        switch keyword {
        case "properties":
            return members.flatMap { member in
                argument[member.key].map {
                    problems(member.value, $0, "\(pointer)/\(member.key)")
                } ?? []
            }
        case "additionalProperties":
            return members.filter { schema["properties"]?[$0.key] == nil }.flatMap {
                problems($0.value, argument, "\(pointer)/\($0.key)")
            }
        case "items":
            return (value.array ?? []).enumerated().flatMap {
                problems($0.element, argument, "\(pointer)/\($0.offset)")
            }
        default: return (argument.array ?? []).flatMap { problems(value, $0, pointer) }
        }
    }

    /// The keywords that say yes or no. An unknown keyword says no.
    private func holds(_ value: JSON, _ keyword: String, _ argument: JSON) -> Bool {
        let list = argument.array ?? []
        switch keyword {
        case "$schema", "$defs", "title", "description", "if": return true
        case "type": return (argument.array ?? [argument]).contains { isOf(type: $0, value) }
        case "const": return value == argument
        case "enum": return list.contains(value)
        case "not": return !isValid(value, argument)
        case "anyOf": return list.contains { isValid(value, $0) }
        case "oneOf": return list.count { isValid(value, $0) } == 1
        default: return isWithin(value, keyword, argument)
        }
    }

    private func isWithin(_ value: JSON, _ keyword: String, _ argument: JSON) -> Bool {
        let limit = argument.int ?? 0
        switch keyword {
        case "required":
            return value.object == nil
                || (argument.array ?? []).compactMap(\.string).allSatisfy { value[$0] != nil }
        case "dependentRequired":
            return (argument.object?.members ?? []).allSatisfy {
                value[$0.key] == nil || isWithin(value, "required", $0.value)
            }
        case "propertyNames":
            return (value.object?.keys ?? []).allSatisfy { isValid(.string($0), argument) }
        case "maxProperties": return (value.object?.count ?? limit) <= limit
        case "minItems": return (value.array?.count ?? limit) >= limit
        case "maxItems": return (value.array?.count ?? limit) <= limit
        case "minLength": return (value.string?.unicodeScalars.count ?? limit) >= limit
        case "maxLength": return (value.string?.unicodeScalars.count ?? limit) <= limit
        case "minimum": return value.number.map { $0 >= JSONNumber(limit) } ?? true
        case "maximum": return value.number.map { $0 <= JSONNumber(limit) } ?? true
        case "pattern":
            return value.string?.range(of: argument.string ?? "", options: .regularExpression)
                != nil || value.string == nil
        default: return false
        }
    }

    private func isOf(type: JSON, _ value: JSON) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .number: type == "number" || (type == "integer" && value.int != nil)
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }
}
