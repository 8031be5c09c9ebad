import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

final class CommentTests: XCTestCase {
    private let caseID = "500000000000001AAA"

    func testACommentIsAddedToACase() async throws {
        let script = Org.script([
            .json(201, ["id": "00a000000000001AAA", "success": true, "errors": []])
        ])
        let id = try XCTUnwrap(RecordID(caseID))
        let reply = try await Org.client(script).addCaseComment(
            id, text: "hello", isPublic: true)
        XCTAssertEqual(reply, RecordID("00a000000000001AAA"))
        XCTAssertEqual(script.lines.last, "POST /services/data/v62.0/sobjects/CaseComment")
        XCTAssertEqual(script.requests.last?.json?["IsPublished"], true)
        XCTAssertEqual(script.requests.last?.json?["CommentBody"], "hello")
        XCTAssertEqual(script.requests.last?.json?["ParentId"], .string(caseID))
    }

    func testAFeedItemIsAddedToARecord() async throws {
        let script = Org.script([
            .json(201, ["id": "0D5000000000001AAA", "success": true, "errors": []])
        ])
        let id = try XCTUnwrap(RecordID("001000000000001AAA"))
        _ = try await Org.client(script).addFeedItem(
            parent: id, text: "hello")
        let body = script.requests.last?.json
        XCTAssertEqual(body?["Body"], "hello")
        XCTAssertEqual(body?["Type"], "TextPost")
        XCTAssertEqual(script.lines.last, "POST /services/data/v62.0/sobjects/FeedItem")
    }

    func testCommentsAreReadWithTheLatestFirst() async throws {
        let script = Org.script([
            .json(
                200,
                [
                    "totalSize": 1, "done": true,
                    "records": [
                        [
                            "attributes": ["type": "CaseComment"], "Id": "00a000000000001AAA",
                            "CommentBody": "hello",
                        ]
                    ],
                ])
        ])
        let id = try XCTUnwrap(RecordID(caseID))
        let comments = try await Org.client(script).caseComments(id, countMax: 50)
        let comment = try XCTUnwrap(comments.first)
        XCTAssertEqual(comment.body, "hello")
        XCTAssertEqual(
            script.lines.last,
            "GET /services/data/v62.0/query?q="
                + ("SELECT Id, CommentBody FROM CaseComment "
                + "WHERE ParentId = '\(caseID)' ORDER BY CreatedDate DESC, Id DESC LIMIT 50")
                .percentEncoded)
    }
}
