import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

final class CommentTests: XCTestCase {
    private let caseID = "500000000000001AAA"

    func testAShortCommentIsOneRecord() async throws {
        let script = Org.script([
            .json(201, ["id": "00a000000000001AAA", "success": true, "errors": []])
        ])
        let id = try XCTUnwrap(RecordID(caseID))
        let reply = try await Org.client(script).addCaseComment(
            id, text: String(repeating: "ä", count: 2000))
        XCTAssertEqual(reply, [RecordID("00a000000000001AAA")])
        XCTAssertEqual(script.lines.last, "POST /services/data/v62.0/sobjects/CaseComment")
        XCTAssertEqual(script.requests.last?.json?["IsPublished"], false)
        XCTAssertEqual(script.requests.last?.json?["ParentId"], .string(caseID))
    }

    func testALongCommentIsAllOfItsPartsOrNone() async throws {
        let made: (Int) -> JSON = {
            ["id": .string("00a00000000000\($0)AAA"), "success": true, "errors": []]
        }
        let rolledBack: JSON = [
            "success": false,
            "errors": [["statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": "r"]],
        ]
        let culprit: JSON = [
            "success": false, "errors": [["statusCode": "STRING_TOO_LONG", "message": "too long"]],
        ]
        let id = try XCTUnwrap(RecordID(caseID))
        let text = String(repeating: "ä", count: 2001)
        let script = Org.script([.json(200, [made(1), made(2)])])
        let reply = try await Org.client(script).addCaseComment(id, text: text, isPublic: true)
        XCTAssertEqual(reply.count, 2)
        let body = try XCTUnwrap(script.requests.last?.json)
        XCTAssertEqual(script.lines.last, "POST /services/data/v62.0/composite/sobjects")
        XCTAssertEqual(body["allOrNone"], true)
        let parts = try XCTUnwrap(body["records"]?.array)
        XCTAssertTrue(parts.allSatisfy { $0["attributes"] == ["type": "CaseComment"] })
        XCTAssertEqual(parts.map { $0["IsPublished"] }, [true, true])
        let bodies = parts.compactMap { $0["CommentBody"]?.string }
        XCTAssertTrue(bodies.allSatisfy { $0.utf8.count <= 4000 })
        XCTAssertEqual(bodies.map { $0.prefix(6) }, ["(1/2) ", "(2/2) "])
        XCTAssertEqual(bodies.map { $0.dropFirst(6) }.joined(), text)
        let refused = try Org.client(Org.script([.json(200, [rolledBack, culprit])]))
        let failure = await failure { () async throws(Failure) in
            try await refused.addCaseComment(id, text: text)
        }
        XCTAssertEqual(Disposition(failure), .stop)
        XCTAssertEqual(failure?.cause?.code, "STRING_TOO_LONG")
    }

    func testFeedItemsAreCutToTheirLength() async throws {
        let script = Org.script([
            .json(201, ["id": "0D5000000000001AAA", "success": true, "errors": []])
        ])
        let id = try XCTUnwrap(RecordID("001000000000001AAA"))
        _ = try await Org.client(script).addFeedItem(
            parent: id, text: String(repeating: "a", count: 10_001))
        let body = script.requests.last?.json
        XCTAssertEqual(body?["Body"], .string(String(repeating: "a", count: 9999) + "…"))
        XCTAssertEqual(body?["Type"], "TextPost")
        XCTAssertEqual(script.lines.last, "POST /services/data/v62.0/sobjects/FeedItem")
    }

    func testCommentsCanBeLookedThrough() async throws {
        let script = Org.script([
            .json(
                200,
                [
                    "totalSize": 1, "done": true,
                    "records": [
                        [
                            "attributes": ["type": "CaseComment"], "Id": "00a000000000001AAA",
                            "CommentBody": "hello", "CreatedById": .string(Org.user),
                            "CreatedDate": "2026-03-02T09:15:04.000+0000",
                        ]
                    ],
                ])
        ])
        let id = try XCTUnwrap(RecordID(caseID))
        let comments = try await Org.client(script).caseComments(id, countMax: 50)
        let comment = try XCTUnwrap(comments.first)
        XCTAssertEqual(comment.body, "hello")
        XCTAssertEqual(comment.author, RecordID(Org.user))
        XCTAssertEqual(comment.createdAt, Timestamp(seconds: 1_772_442_904))
        XCTAssertEqual(
            script.lines.last,
            "GET /services/data/v62.0/query?q="
                + ("SELECT Id, CommentBody, CreatedById, CreatedDate FROM CaseComment "
                + "WHERE ParentId = '\(caseID)' ORDER BY CreatedDate DESC, Id DESC LIMIT 50")
                .percentEncoded)
    }
}
