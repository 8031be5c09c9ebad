import HTTP
import JSON
import Models

extension Salesforce {
    /// The fields of one record that are to be read, by API name.
    public struct RecordRead: Hashable, Sendable {
        public var record: RecordReference
        public var fields: [String]

        public init(record: RecordReference, fields: [String]) {
            self.record = record
            self.fields = fields
        }
    }

    /// Reads several records in as few calls as there can be (Salesforce.md 15). A record that does
    /// not exist any more is nil, no failure.
    public func records(
        _ reads: [RecordRead]
    ) async throws(Failure) -> [RecordID: JSONObject?] {
        if reads.count == 1, let read = reads.first { return try await record(read) }
        var found: [RecordID: JSONObject?] = [:]
        for start in stride(from: 0, to: reads.count, by: Self.compositeMax) {
            let part = Array(reads[start..<min(start + Self.compositeMax, reads.count)])
            let answers = try await composite(part)
            for read in part {
                guard let answer = answers[Self.reference(read)] else { throw Self.incomplete }
                found[read.record.id] = .some(try Self.fields(answer))
            }
        }
        return found
    }

    private func record(_ read: RecordRead) async throws(Failure) -> [RecordID: JSONObject?] {
        do {
            return [read.record.id: try await record(read.record, fields: read.fields)]
        } catch .permanent(let cause) where cause.status == 404 {
            return [read.record.id: nil]
        }
    }
}

// Composite requests: several requests in one, which counts as one (Salesforce.md 15).

extension Salesforce {
    /// The most reads that one composite request may carry.
    static let compositeMax = 25

    private typealias Part = (status: Int, body: JSON)

    /// The answer to each read, by its reference. The status of the whole says nothing about the
    /// parts.
    private func composite(_ reads: [RecordRead]) async throws(Failure) -> [String: Part] {
        var parts: [JSON] = []
        for read in reads {
            parts.append([
                "method": "GET", "url": .string(path(try Self.target(read))),
                "referenceId": .string(Self.reference(read)),
            ])
        }
        let call = Call(
            method: "POST", path: path("/composite"),
            body: ["allOrNone": false, "compositeRequest": .array(parts)])
        return try await reply(to: call) { json in
            let answers = json["compositeResponse"]?.array?.compactMap(Self.answer)
            guard let answers, answers.count == reads.count else { return nil }
            return Dictionary(answers, uniquingKeysWith: { first, _ in first })
        }
    }

    private static func target(_ read: RecordRead) throws(Failure) -> String {
        for field in read.fields { _ = try APIName.checked(path: field) }
        let object = try APIName.checked(read.record.object)
        return "/sobjects/\(object)/\(read.record.id.long)"
            + "?fields=\(read.fields.joined(separator: ","))"
    }

    /// The name by which the answer is found; it begins with a letter.
    private static func reference(_ read: RecordRead) -> String { "r\(read.record.id.long)" }

    private static func answer(_ json: JSON) -> (String, Part)? {
        guard let reference = json["referenceId"]?.string, let status = json["httpStatusCode"]?.int
        else { return nil }
        return (reference, (status, json["body"] ?? .null))
    }

    private static let incomplete = Failure.retryable(
        Cause(
            .salesforce, code: "unreadableAnswer",
            message: "Salesforce did not answer one of several reads"))

    private static func fields(_ answer: Part) throws(Failure) -> JSONObject? {
        if answer.status == 404 { return nil }
        let body = answer.body.isNull ? [] : answer.body.bytes
        let response = HTTPResponse(status: answer.status, body: body)
        guard response.isSuccess else { throw .salesforce(response) }
        return answer.body.object
    }
}
