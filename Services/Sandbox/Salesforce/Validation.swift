import JSON
import Models

/// A write that has passed the checks of the object's fields.
struct CheckedWrite: Sendable {
    /// The values under the fields' own names; a null clears the field.
    var values: [String: JSON] = [:]

    init(
        _ body: JSONObject, of type: ObjectType, isCreate: Bool
    ) throws(SalesforceError) {
        for member in body.members where member.key != "attributes" {
            if member.key.lowercased() == "id" {
                throw SalesforceError(
                    400, "INVALID_FIELD",
                    "The Id field should not be specified in the sobject data.")
            }
            guard let field = type.field(member.key) else {
                throw .noColumn(member.key, onType: type.name)
            }
            guard isCreate ? field.isCreateable : field.isUpdateable else {
                throw .notWritable(field.name)
            }
            values[field.name] = try field.accepted(member.value)
        }
        let missing = type.fields.filter { field in
            let value = values[field.name]
            return isCreate
                ? field.isRequiredOnCreate && (value ?? .null).isNull
                : !field.isNillable && value?.isNull == true
        }
        if !missing.isEmpty { throw .required(missing.map(\.name)) }
    }
}

extension ObjectField {
    /// The value as it is stored: empty texts are null, numbers and moments in one form.
    func accepted(_ value: JSON) throws(SalesforceError) -> JSON {
        if value.isNull || value.string?.isEmpty == true { return .null }
        switch kind {
        case .string, .textarea, .phone, .url, .picklist, .multipicklist:
            return .string(try text(value))
        case .email:
            let address = try text(value)
            guard address.split(separator: "@").count == 2, !address.contains(" ") else {
                throw SalesforceError(
                    400, "INVALID_EMAIL_ADDRESS", "\(label): invalid email address: \(address)",
                    fields: [name])
            }
            return .string(address)
        case .boolean: return .bool(try flag(value))
        case .int, .double, .currency, .percent: return .number(try number(value))
        case .date:
            guard let text = value.string, text.utf8.count == 10, Timestamp(text) != nil else {
                throw .parser("date", value)
            }
            return value
        case .datetime:
            guard let moment = value.string.flatMap({ Timestamp($0) }) else {
                throw .parser("datetime", value)
            }
            return .string(moment.salesforce)
        case .id, .reference: return .string(try identifier(value).long)
        }
    }

    private func text(_ value: JSON) throws(SalesforceError) -> String {
        guard let text = value.string else { throw .parser("string", value) }
        let (length, limit) =
            byteLength.map { (text.utf8.count, $0) } ?? (text.utf16.count, length)
        if length > limit {
            throw SalesforceError(
                400, "STRING_TOO_LONG",
                "\(label): data value too large: \(text.prefix(80)) (max length=\(limit))",
                fields: [name])
        }
        let chosen = kind == .multipicklist ? text.split(separator: ";").map(String.init) : [text]
        if isRestricted, let bad = chosen.first(where: { !values.contains($0) }) {
            throw SalesforceError(
                400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                "\(label): bad value for restricted picklist field: \(bad)", fields: [name])
        }
        return text
    }

    private func flag(_ value: JSON) throws(SalesforceError) -> Bool {
        switch value.string?.lowercased() {
        case "true": return true
        case "false": return false
        case nil, .some: break
        }
        guard let flag = value.bool else { throw .parser("boolean", value) }
        return flag
    }

    private func number(_ value: JSON) throws(SalesforceError) -> JSONNumber {
        let parsed = value.string.flatMap { try? JSON(parsing: $0) } ?? value
        guard let number = parsed.number else { throw .parser(kind.rawValue, value) }
        if kind == .int && number.int == nil { throw .parser("int", value) }
        var limit = 1.0
        for _ in 0..<max(1, precision - scale) { limit *= 10 }
        guard abs(number.double) < limit else {
            throw SalesforceError(
                400, "NUMBER_OUTSIDE_VALID_RANGE",
                "\(label): value outside of valid range on numeric field: \(number.literal)",
                fields: [name])
        }
        return number
    }

    private func identifier(_ value: JSON) throws(SalesforceError) -> RecordID {
        guard let id = value.string.flatMap({ RecordID($0) }) else {
            throw SalesforceError(
                400, "MALFORMED_ID",
                "\(label): id value of incorrect type: \(value.string ?? value.text)",
                fields: [name])
        }
        return id
    }
}
