import JSON
import Models

/// A case comment or a feed item.
public struct RecordComment: Hashable, Sendable {
    public var id: RecordID
    public var body: String
}

extension Salesforce {
    /// Adds a comment of at most `VendorLimits.caseCommentBytesMax` to a case.
    /// It is not repeatable: after an unknown outcome look through `caseComments` first.
    ///
    /// - Parameter isPublic: shows it to the customer in a portal (Salesforce.md 38).
    public func addCaseComment(
        _ id: RecordID, text: String, isPublic: Bool = false
    ) async throws(Failure) -> RecordID {
        try await create(
            object: "CaseComment",
            fields: [
                "ParentId": .string(id.long), "CommentBody": .string(text),
                "IsPublished": .bool(isPublic),
            ])
    }

    /// Posts at most `VendorLimits.feedItemUnitsMax` to the feed of any record whose object has
    /// feeds.
    public func addFeedItem(
        parent id: RecordID, text: String
    ) async throws(Failure) -> RecordID {
        try await create(
            object: "FeedItem",
            fields: [
                "ParentId": .string(id.long), "Type": "TextPost",
                "Body": .string(text),
            ])
    }

    /// The comments of a case, the latest first.
    public func caseComments(
        _ id: RecordID, countMax: Int = 200
    ) async throws(Failure) -> [RecordComment] {
        try await comments("CaseComment", body: "CommentBody", parent: id, countMax: countMax)
    }

    /// The items of a record's feed, the latest first.
    public func feedItems(
        parent id: RecordID, countMax: Int = 200
    ) async throws(Failure) -> [RecordComment] {
        try await comments("FeedItem", body: "Body", parent: id, countMax: countMax)
    }

    private func comments(
        _ object: String, body: String, parent: RecordID, countMax: Int
    ) async throws(Failure) -> [RecordComment] {
        let query = try SOQL(
            select: ["Id", body], from: object,
            where: .equal("ParentId", .id(parent)),
            orderBy: [SOQLOrder("CreatedDate", .descending), SOQLOrder("Id", .descending)],
            limit: countMax)
        let found = try await self.query(query, recordsMax: countMax)
        return found.compactMap { record -> RecordComment? in
            guard let id = record["Id"]?.string.flatMap({ RecordID($0) }) else { return nil }
            return RecordComment(id: id, body: record[body]?.string ?? "")
        }
    }
}
