import JSON
import Models

extension Salesforce {
    /// Fields of one record that are wanted, by API name.
    public struct Wish: Hashable, Sendable {
        public var record: RecordReference
        public var fields: [String]

        public init(record: RecordReference, fields: [String]) {
            self.record = record
            self.fields = fields
        }
    }

    /// The wanted fields of several records, in as few calls as there can be (Salesforce.md 15). A
    /// record that does not exist any more is nil, no failure.
    public func records(
        _ wishes: [Wish]
    ) async throws(Failure) -> [RecordID: JSONObject?] {
        if wishes.count == 1, let wish = wishes.first { return try await record(wish) }
        var found: [RecordID: JSONObject?] = [:]
        for start in stride(from: 0, to: wishes.count, by: Self.compositeMax) {
            let part = wishes[start..<min(start + Self.compositeMax, wishes.count)]
            var subrequests: [Subrequest] = []
            for wish in part { subrequests.append(try Self.subrequest(wish)) }
            let answers = try await composite(subrequests, allOrNone: false)
            for wish in part {
                let answer = answers.first { $0.reference == Self.reference(wish) }
                guard let answer else { throw Self.incomplete }
                found[wish.record.id] = .some(try Self.fields(answer))
            }
        }
        return found
    }

    private func record(_ wish: Wish) async throws(Failure) -> [RecordID: JSONObject?] {
        do throws(Failure) {
            return [wish.record.id: try await record(wish.record, fields: wish.fields)]
        } catch .permanent(let cause) where cause.status == 404 {
            return [wish.record.id: nil]
        }
    }

    private static func subrequest(_ wish: Wish) throws(Failure) -> Subrequest {
        for field in wish.fields { _ = try APIName.checked(path: field) }
        let object = try APIName.checked(wish.record.object)
        return Subrequest(
            method: "GET",
            path: "/sobjects/\(object)/\(wish.record.id.long)"
                + "?fields=\(wish.fields.joined(separator: ","))",
            reference: reference(wish))
    }

    private static func reference(_ wish: Wish) -> String { "r\(wish.record.id.long)" }

    private static let incomplete = Failure.retryable(
        Cause(.salesforce, code: "unreadableAnswer", message: "an answer of a composite is missing")
    )

    private static func fields(_ answer: Subresponse) throws(Failure) -> JSONObject? {
        if answer.status == 404 { return nil }
        if let failure = answer.failure { throw failure }
        return answer.body.object
    }
}
