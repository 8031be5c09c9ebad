import HTTP
import JSON
import Models

extension Salesforce {
    /// The named fields of a record, as Salesforce writes them.
    public func record(
        _ record: RecordReference, fields: [String]
    ) async throws(Failure) -> JSONObject {
        var call = Call.get(try path(to: record))
        for field in fields { _ = try APIName.checked(path: field) }
        if !fields.isEmpty { call.query = [("fields", fields.joined(separator: ","))] }
        return try await reply(to: call) { $0.object }
    }

    /// Not repeatable (Salesforce.md 11); where the object has a unique external id, `upsert` is.
    public func create(
        object: String, fields: JSONObject, options: RecordWriteOptions = RecordWriteOptions()
    ) async throws(Failure) -> RecordID {
        let call = Call(
            method: "POST", path: path("/sobjects/\(try APIName.checked(object))"),
            headers: options.headers, body: .object(try Self.writable(fields)))
        return try Self.saved(from: try await perform(call))
    }

    public func update(
        _ record: RecordReference, fields: JSONObject,
        options: RecordWriteOptions = RecordWriteOptions()
    ) async throws(Failure) {
        let call = Call(
            method: "PATCH", path: try path(to: record), headers: options.headers,
            body: .object(try Self.writable(fields)))
        try await reply(to: call) { _ in }
    }

    /// Creates or updates the one record with this value of a unique external-id field: repeating
    /// it makes no second record.
    public func upsert(
        object: String, externalID: ExternalID, fields: JSONObject,
        options: RecordWriteOptions = RecordWriteOptions()
    ) async throws(Failure) -> RecordID {
        let field = try APIName.checked(externalID.field)
        guard field.lowercased() != "id" else {
            throw .refused("externalID", "an upsert needs a field that is an external id")
        }
        let value = try externalID.value.asPathSegment()
        let key = path("/sobjects/\(try APIName.checked(object))/\(field)/\(value)")
        var body = try Self.writable(fields)
        for name in body.keys where name.lowercased() == field.lowercased() { body[name] = nil }
        let call = Call(
            method: "PATCH", path: key, headers: options.headers, body: .object(body))
        let response = try await perform(call)
        // An update has no body, and so no id, before API version 46 (Salesforce.md 13).
        guard response.status == 204 else { return try Self.saved(from: response) }
        return try await reply(to: .get(key, query: [("fields", "Id")])) { json in
            json["Id"]?.string.flatMap { RecordID($0) }
        }
    }

    /// Delivers a body to an Apex REST resource; returns its answer, whatever that is.
    ///
    /// - Parameter path: `/pagerduty/events`, say, with or without `/services/apexrest` before it.
    public func apexREST(_ path: String, body: JSON) async throws(Failure) -> JSON {
        var target = "/services/apexrest"
        var segments = path.split(separator: "/").map(String.init)
        if segments.starts(with: ["services", "apexrest"]) { segments.removeFirst(2) }
        guard !segments.isEmpty else { throw .refused("path", "no Apex REST resource is named") }
        for segment in segments { target += "/" + (try segment.asPathSegment()) }
        let call = Call(method: "POST", path: target, body: body)
        let response = try await perform(call)
        // The customer's own resource may answer anything: only its status counts.
        guard response.isSuccess else { throw .salesforce(response) }
        return response.json ?? .null
    }

    func path(to record: RecordReference) throws(Failure) -> String {
        path("/sobjects/\(try APIName.checked(record.object))/\(record.id.long)")
    }

    /// The fields without `Id`, which no body may hold (Salesforce.md 12); every name is checked.
    static func writable(_ fields: JSONObject) throws(Failure) -> JSONObject {
        var fields = fields
        for name in fields.keys {
            if name.lowercased() == "id" || name == "attributes" {
                fields[name] = nil
            } else {
                _ = try APIName.checked(path: name)
            }
        }
        return fields
    }

    /// `{"id", "success", "errors"}`, which may say `false` inside a success.
    static func saved(from response: HTTPResponse) throws(Failure) -> RecordID {
        // 300: several records have the same value of the external id (Salesforce.md 13).
        if let json = response.json, response.isSuccess, json["success"]?.bool == false {
            throw .salesforce(
                json["errors"]?.array?.compactMap { SalesforceProblem($0) } ?? [], status: nil)
        }
        return try value(of: response) { $0["id"]?.string.flatMap { RecordID($0) } }
    }
}

extension RecordWriteOptions {
    var headers: HTTPHeaders {
        var headers: HTTPHeaders = [
            "Sforce-Auto-Assign": runsAssignmentRules ? "TRUE" : "FALSE"
        ]
        if allowsDuplicate { headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true" }
        return headers
    }
}
