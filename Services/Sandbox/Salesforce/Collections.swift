import HTTP
import JSON
import Models

/// Writes of up to 200 records in one request, each with a result of its own in the order of the
/// request (Salesforce.md 14).
extension SalesforceOrg {
    static let collectionRecordsMax = 200

    mutating func createCollection(_ call: SalesforceCall) throws(SalesforceError) -> HTTPResponse {
        let records = try records(of: call)
        return try eachRecord(records, call) { (org, record) throws(SalesforceError) in
            let type = try org.typeOf(record)
            let id = try org.insert(
                Self.withoutID(record), into: type, by: call.userID, at: call.at)
            return Self.success(id)
        }
    }

    mutating func updateCollection(_ call: SalesforceCall) throws(SalesforceError) -> HTTPResponse {
        let records = try records(of: call)
        return try eachRecord(records, call) { (org, record) throws(SalesforceError) in
            let type = try org.typeOf(record)
            let id = try Self.id(of: record, type)
            try org.update(
                id, of: type, with: Self.withoutID(record), by: call.userID, at: call.at)
            return Self.success(id)
        }
    }

    mutating func upsertCollection(
        _ call: SalesforceCall, _ name: String, by fieldName: String
    ) throws(SalesforceError) -> HTTPResponse {
        let type = try type(name)
        let field = try externalIDField(fieldName, of: type)
        let records = try records(of: call)
        return try eachRecord(records, call) { (org, record) throws(SalesforceError) in
            try org.upsert(record, into: type, by: field, call)
        }
    }

    private mutating func upsert(
        _ record: JSONObject, into type: ObjectType, by field: ObjectField, _ call: SalesforceCall
    ) throws(SalesforceError) -> JSON {
        guard let value = record[field.name], !value.isNull else {
            throw SalesforceError(
                400, "MISSING_ARGUMENT", "\(field.name) not specified", fields: [])
        }
        let found = tables[type.name]?.find(field, value) ?? []
        if found.count > 1 {
            throw SalesforceError(
                400, "DUPLICATE_EXTERNAL_ID",
                "\(field.name): more than one record found for external id field: "
                    + found.map(\.long).joined(separator: ", "), fields: [])
        }
        guard let id = found.first else {
            let id = try insert(
                Self.withoutID(record), into: type, by: call.userID, at: call.at)
            return Self.success(id).with(["created": true])
        }
        var rest = Self.withoutID(record)
        rest[field.name] = nil
        try update(id, of: type, with: rest, by: call.userID, at: call.at)
        return Self.success(id).with(["created": false])
    }

    mutating func deleteCollection(_ call: SalesforceCall) throws(SalesforceError) -> HTTPResponse {
        let ids = (call.call.query["ids"] ?? "").split(separator: ",").map(String.init)
        let records = ids.map { id -> JSONObject in ["id": .string(id)] }
        let isAtomic = call.call.query["allOrNone"] == "true"
        return try eachRecord((records, isAtomic), call) { (org, record) throws(SalesforceError) in
            let text = record["id"]?.string ?? ""
            guard let id = RecordID(text),
                let type = org.types.values.first(where: { $0.keyPrefix == id.keyPrefix })
            else {
                throw SalesforceError(400, "MALFORMED_ID", "malformed id \(text)", fields: [])
            }
            try org.delete(id, of: type)
            return Self.success(id)
        }
    }

    private func records(
        of call: SalesforceCall
    ) throws(SalesforceError) -> (records: [JSONObject], isAtomic: Bool) {
        let body = try call.body()
        let records = (body["records"]?.array ?? []).compactMap(\.object)
        return (records, body["allOrNone"]?.bool ?? false)
    }

    private mutating func eachRecord(
        _ batch: (records: [JSONObject], isAtomic: Bool), _ call: SalesforceCall,
        _ write: (inout SalesforceOrg, JSONObject) throws(SalesforceError) -> JSON
    ) throws(SalesforceError) -> HTTPResponse {
        if batch.records.isEmpty { throw Self.noRecords }
        if batch.records.count > Self.collectionRecordsMax { throw Self.tooManyRecords }
        let before: SalesforceOrg? = batch.isAtomic ? self : nil
        var results: [JSON] = []
        var failures = 0
        for record in batch.records {
            do {
                results.append(try write(&self, record))
            } catch {
                failures += 1
                results.append(Self.inCollection(error).recordResult)
            }
        }
        guard let before, failures > 0 else { return .json(200, .array(results)) }
        self = before
        return .json(
            200,
            .array(
                results.map {
                    $0["success"] == true ? SalesforceError.rolledBack.recordResult : $0
                }))
    }

    private static let noRecords = SalesforceError(
        400, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
    private static let tooManyRecords = SalesforceError(
        400, "INVALID_BATCH_SIZE",
        "Maximum number of records in a collection is \(collectionRecordsMax)")

    /// The parser's problems are those of the record here.
    private static func inCollection(_ error: SalesforceError) -> SalesforceError {
        guard error.code == "JSON_PARSER_ERROR" else { return error }
        return SalesforceError(
            400, "INVALID_TYPE_ON_FIELD_IN_RECORD", error.message, fields: [])
    }

    private func typeOf(_ record: JSONObject) throws(SalesforceError) -> ObjectType {
        guard let name = record["attributes"]?["type"]?.string, let type = try? type(name) else {
            throw SalesforceError(
                400, "INVALID_TYPE", "The record has no attributes with a known type.", fields: [])
        }
        return type
    }

    private static func id(
        of record: JSONObject, _ type: ObjectType
    ) throws(SalesforceError) -> RecordID {
        guard let text = (record["id"] ?? record["Id"])?.string else {
            throw SalesforceError(
                400, "MISSING_ARGUMENT", "Id not specified in an update call", fields: [])
        }
        guard let id = RecordID(text), id.keyPrefix == type.keyPrefix else {
            throw SalesforceError(400, "MALFORMED_ID", "malformed id \(text)", fields: [])
        }
        return id
    }

    private static func withoutID(_ record: JSONObject) -> JSONObject {
        JSONObject(
            record.members.filter { $0.key.lowercased() != "id" }.map { ($0.key, $0.value) })
    }

    private static func success(_ id: RecordID) -> JSON {
        ["id": .string(id.long), "success": true, "errors": []]
    }
}
