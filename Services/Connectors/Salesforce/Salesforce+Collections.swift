import HTTP
import JSON
import Models

extension Salesforce {
    /// A write that may share a call with others.
    public struct RecordUpdate: Hashable, Sendable {
        public var record: RecordReference
        public var fields: JSONObject

        public init(record: RecordReference, fields: JSONObject) {
            self.record = record
            self.fields = fields
        }
    }

    /// The most records that one collection request may carry.
    public static let collectionMax = 200

    /// Updates up to 200 records in one request, each on its own (Salesforce.md 14): the results
    /// stand in the order of `updates`, and one record's failure is no other's.
    ///
    /// - Throws: the failure of the request as a whole.
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
