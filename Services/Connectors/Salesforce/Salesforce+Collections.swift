import HTTP
import JSON
import Models

extension Salesforce {
    /// A write that may travel with others.
    public struct RecordUpdate: Hashable, Sendable {
        public var record: RecordReference
        public var fields: JSONObject

        public init(record: RecordReference, fields: JSONObject) {
            self.record = record
            self.fields = fields
        }
    }

    public static let collectionMax = 200

    /// Updates up to 200 records in one request, each on its own (Salesforce.md 14): the results
    /// stand in the order of `updates`, and one record's failure is no other's.
    ///
    /// - Throws: when the request as a whole failed.
    public func updateCollection(
        _ updates: [RecordUpdate], options: RecordWriteOptions = RecordWriteOptions()
    ) async throws(Failure) -> [Result<RecordID, Failure>] {
        var records: [JSON] = []
        for update in updates {
            var record = try Self.writable(update.fields)
            record["attributes"] = ["type": .string(try APIName.checked(update.record.object))]
            record["id"] = .string(update.record.id.long)
            records.append(.object(record))
        }
        guard (1...Self.collectionMax).contains(records.count) else {
            throw .refused("collection", "a request takes 1 to \(Self.collectionMax) records")
        }
        let call = Call(
            method: "PATCH", path: path("/composite/sobjects"), headers: options.headers,
            body: ["allOrNone": false, "records": .array(records)])
        return try await reply(to: call) { json in
            guard let elements = json.array, elements.count == records.count else { return nil }
            return elements.map(Self.result)
        }
    }

    /// `{"id"?, "success", "errors": [{"statusCode", "message", "fields"}]}`.
    static func result(_ element: JSON) -> Result<RecordID, Failure> {
        if element["success"]?.bool == true,
            let id = element["id"]?.string.flatMap({ RecordID($0) })
        {
            return .success(id)
        }
        let problems = element["errors"]?.array?.compactMap { SalesforceProblem($0) } ?? []
        return .failure(.salesforce(problems, status: nil))
    }
}

extension Salesforce {
    public struct Subrequest: Hashable, Sendable {
        public var method: String
        /// Below the version of the API, encoded: `/sobjects/Case/500...`. May hold `@{ref.id}`.
        public var path: String
        /// A letter, then letters, digits and underscores.
        public var reference: String
        public var body: JSON?

        public init(method: String, path: String, reference: String, body: JSON? = nil) {
            self.method = method
            self.path = path
            self.reference = reference
            self.body = body
        }
    }

    public struct Subresponse: Equatable, Sendable {
        public var reference: String
        public var status: Int
        public var body: JSON
        /// Nil for a success.
        public var failure: Failure?
    }

    public static let compositeMax = 25

    /// Several requests in one, which counts as one (Salesforce.md 15); they may refer to each
    /// other's results. The status of the whole says nothing about the parts.
    public func composite(
        _ subrequests: [Subrequest], allOrNone: Bool,
        options: RecordWriteOptions = RecordWriteOptions()
    ) async throws(Failure) -> [Subresponse] {
        guard (1...Self.compositeMax).contains(subrequests.count) else {
            throw .refused("composite", "a request takes 1 to \(Self.compositeMax) parts")
        }
        var parts: [JSON] = []
        for subrequest in subrequests {
            var part: JSONObject = [
                "method": .string(subrequest.method), "url": .string(path(subrequest.path)),
                "referenceId": .string(try APIName.checked(subrequest.reference)),
            ]
            part["body"] = subrequest.body
            parts.append(.object(part))
        }
        let call = Call(
            method: "POST", path: path("/composite"), headers: options.headers,
            body: ["allOrNone": .bool(allOrNone), "compositeRequest": .array(parts)])
        return try await reply(to: call) { json in
            let answers = json["compositeResponse"]?.array?.compactMap(Self.subresponse)
            return answers?.count == subrequests.count ? answers : nil
        }
    }

    static func subresponse(_ json: JSON) -> Subresponse? {
        guard let reference = json["referenceId"]?.string, let status = json["httpStatusCode"]?.int
        else { return nil }
        let body = json["body"] ?? .null
        let response = HTTPResponse(status: status, body: body.isNull ? [] : body.bytes)
        return Subresponse(
            reference: reference, status: status, body: body,
            failure: response.isSuccess ? nil : .salesforce(response))
    }
}
