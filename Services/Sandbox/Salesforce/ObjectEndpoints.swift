import HTTP
import JSON
import Models

/// The calls for one record (Salesforce.md 11 to 13).
extension SalesforceOrg {
    func resources(_ call: SalesforceCall) -> HTTPResponse {
        let base = "/services/data/\(call.version)"
        return .json(
            200,
            JSON.object(
                JSONObject(
                    ["sobjects", "query", "composite", "limits"].map {
                        ($0, .string("\(base)/\($0)"))
                    })))
    }

    var limits: HTTPResponse {
        .json(
            200,
            [
                "DailyApiRequests": [
                    "Max": JSON(callsPerDayMax), "Remaining": JSON(callsPerDayMax - callsToday),
                ]
            ])
    }

    func globalDescribe(_ call: SalesforceCall) -> HTTPResponse {
        let all = typeOrder.compactMap { types[$0]?.summary(version: call.version) }
        return .json(200, ["encoding": "UTF-8", "maxBatchSize": 200, "sobjects": .array(all)])
    }

    func basicInfo(
        _ call: SalesforceCall, _ type: ObjectType
    ) throws(SalesforceError) -> HTTPResponse {
        .json(
            200, ["objectDescribe": type.summary(version: call.version), "recentItems": []])
    }

    mutating func create(
        _ call: SalesforceCall, _ type: ObjectType
    ) throws(SalesforceError) -> HTTPResponse {
        let id = try insert(try call.body(), into: type, by: call.userID, at: call.at)
        return created(id, of: type, call)
    }

    private func created(
        _ id: RecordID, of type: ObjectType, _ call: SalesforceCall, isUpsert: Bool = false
    ) -> HTTPResponse {
        var body: JSON = ["id": .string(id.long), "success": true, "errors": []]
        if isUpsert { body = body.with(["created": true]) }
        return .json(
            201, body,
            headers: ["Location": "/services/data/\(call.version)/sobjects/\(type.name)/\(id)"])
    }

    private func id(_ text: String, of type: ObjectType) throws(SalesforceError) -> RecordID {
        guard let id = RecordID(text), id.keyPrefix == type.keyPrefix else {
            throw .notFound(text)
        }
        return id
    }

    func read(
        _ call: SalesforceCall, _ type: ObjectType, _ id: String
    ) throws(SalesforceError) -> HTTPResponse {
        .json(200, try view(try record(try self.id(id, of: type), of: type), of: type, call))
    }

    /// The `fields` that were asked for, or all; null where there is no value.
    private func view(
        _ record: SandboxRecord, of type: ObjectType, _ call: SalesforceCall
    ) throws(SalesforceError) -> JSON {
        var fields = type.fields
        if let wanted = call.call.query["fields"] {
            fields = try wanted.split(separator: ",").map { (name) throws(SalesforceError) in
                let name = name.filter { $0 != " " }
                guard let field = type.field(name) else { throw .noColumn(name, onType: type.name) }
                return field
            }
        }
        let members = fields.map { ($0.name, record[$0.name]) }
        let attributes = attributes(of: record.id, type, version: call.version)
        return .object(JSONObject([("attributes", attributes)] + members))
    }

    func attributes(of id: RecordID, _ type: ObjectType, version: String) -> JSON {
        [
            "type": .string(type.name),
            "url": .string("/services/data/\(version)/sobjects/\(type.name)/\(id)"),
        ]
    }

    mutating func update(
        _ call: SalesforceCall, _ type: ObjectType, _ id: String
    ) throws(SalesforceError) -> HTTPResponse {
        let body = try call.body()
        try update(
            try self.id(id, of: type), of: type, with: body, by: call.userID, at: call.at)
        return HTTPResponse(status: 204)
    }

    mutating func delete(
        _ call: SalesforceCall, _ type: ObjectType, _ id: String
    ) throws(SalesforceError) -> HTTPResponse {
        try delete(try self.id(id, of: type), of: type)
        return HTTPResponse(status: 204)
    }

    /// The external id field of that name.
    func externalIDField(
        _ name: String, of type: ObjectType
    ) throws(SalesforceError) -> ObjectField {
        guard let field = type.field(name), field.isExternalID else { throw .notFound(name) }
        return field
    }

    func readByExternalID(
        _ call: SalesforceCall, _ type: ObjectType, _ name: String, _ value: String
    ) throws(SalesforceError) -> HTTPResponse {
        let field = try externalIDField(name, of: type)
        let found = tables[type.name]?.find(field, .string(value)) ?? []
        guard let id = found.first else { throw .notFound(value) }
        if found.count > 1 { return several(found, of: type, call) }
        return .json(200, try view(try record(id, of: type), of: type, call))
    }

    private func several(
        _ ids: [RecordID], of type: ObjectType, _ call: SalesforceCall
    ) -> HTTPResponse {
        .json(
            300,
            .array(
                ids.map { .string("/services/data/\(call.version)/sobjects/\(type.name)/\($0)") }))
    }

    /// 201 when made, 200 (since v46) or 204 when it was there, 300 when the value is not one's.
    mutating func upsert(
        _ call: SalesforceCall, _ type: ObjectType, _ name: String, _ value: String
    ) throws(SalesforceError) -> HTTPResponse {
        let field = try externalIDField(name, of: type)
        let body = try call.body()
        if body.keys.contains(where: { $0.lowercased() == field.name.lowercased() }) {
            throw SalesforceError(
                400, "INVALID_FIELD",
                "The \(field.name) field should not be specified in the sobject data.",
                fields: [field.name])
        }
        let found = tables[type.name]?.find(field, .string(value)) ?? []
        if found.count > 1 { return several(found, of: type, call) }
        if let id = found.first {
            try update(id, of: type, with: body, by: call.userID, at: call.at)
            if call.versionNumber < 46 { return HTTPResponse(status: 204) }
            return .json(
                200,
                ["id": .string(id.long), "success": true, "errors": [], "created": false])
        }
        if call.call.query["updateOnly"] == "true" { throw .notFound(value) }
        var whole = body
        whole[field.name] = .string(value)
        let id = try insert(whole, into: type, by: call.userID, at: call.at)
        return created(id, of: type, call, isUpsert: true)
    }
}
