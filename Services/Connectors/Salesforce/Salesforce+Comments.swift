import JSON
import Models

/// A case comment or a feed item.
public struct RecordComment: Hashable, Sendable {
    public var id: RecordID
    public var body: String
    public var author: RecordID?
    public var createdAt: Timestamp?
}

extension Salesforce {
    /// Of UTF-8, not characters.
    static let caseCommentBytesMax = 4000
    static let feedItemMax = 10_000
    private static let commentPartsMax = 20

    /// Adds a comment to a case; a text over 4,000 bytes becomes numbered parts, all or none.
    /// Not repeatable: after an unknown outcome look through `caseComments` first.
    ///
    /// - Parameter isPublic: shows it to the customer in a portal.
    public func addCaseComment(
        _ id: RecordID, text: String, isPublic: Bool = false
    ) async throws(Failure) -> [RecordID] {
        let parts = text.numberedParts(
            bytesMax: Self.caseCommentBytesMax, partsMax: Self.commentPartsMax)
        let records = parts.map { part -> JSONObject in
            [
                "ParentId": .string(id.long), "CommentBody": .string(part),
                "IsPublished": .bool(isPublic),
            ]
        }
        if records.count == 1 {
            return [try await create(object: "CaseComment", fields: records[0])]
        }
        return try await createTogether("CaseComment", records)
    }

    /// Posts to the feed of any record whose object has feeds; longer texts are cut.
    public func addFeedItem(
        parent id: RecordID, text: String
    ) async throws(Failure) -> RecordID {
        try await create(
            object: "FeedItem",
            fields: [
                "ParentId": .string(id.long), "Type": "TextPost",
                "Body": .string(text.cut(utf16Max: Self.feedItemMax)),
            ])
    }

    /// The latest first.
    public func caseComments(
        _ id: RecordID, countMax: Int = 200
    ) async throws(Failure) -> [RecordComment] {
        try await comments("CaseComment", body: "CommentBody", parent: id, countMax: countMax)
    }

    /// The latest first.
    public func feedItems(
        parent id: RecordID, countMax: Int = 200
    ) async throws(Failure) -> [RecordComment] {
        try await comments("FeedItem", body: "Body", parent: id, countMax: countMax)
    }

    private func comments(
        _ object: String, body: String, parent: RecordID, countMax: Int
    ) async throws(Failure) -> [RecordComment] {
        let query = try SOQL(
            select: ["Id", body, "CreatedById", "CreatedDate"], from: object,
            where: .equal("ParentId", .id(parent)),
            orderBy: [SOQL.Order("CreatedDate", .descending), SOQL.Order("Id", .descending)],
            limit: countMax)
        let found = try await self.query(query, recordsMax: countMax)
        return found.compactMap { record -> RecordComment? in
            guard let id = record["Id"]?.string.flatMap({ RecordID($0) }) else { return nil }
            return RecordComment(
                id: id, body: record[body]?.string ?? "",
                author: record["CreatedById"]?.string.flatMap { RecordID($0) },
                createdAt: record["CreatedDate"]?.string.flatMap { Timestamp($0) })
        }
    }

    /// All records or none, in one request.
    private func createTogether(
        _ object: String, _ records: [JSONObject]
    ) async throws(Failure) -> [RecordID] {
        let bodies = records.map { record -> JSON in
            var record = record
            record["attributes"] = ["type": .string(object)]
            return .object(record)
        }
        let answer = try await collection(
            "POST", bodies, allOrNone: true, options: RecordWriteOptions())
        var ids: [RecordID] = []
        var failures: [Failure] = []
        for result in answer {
            switch result {
            case .success(let id): ids.append(id)
            case .failure(let failure): failures.append(failure)
            }
        }
        // The records beside the culprit only say that they were rolled back.
        let culprit = failures.first { $0.cause?.code != "ALL_OR_NONE_OPERATION_ROLLED_BACK" }
        if let failure = culprit ?? failures.first { throw failure }
        return ids
    }
}
