import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

final class CollectionTests: XCTestCase {
    private let caseID = "500000000000001AAA"

    func testCollections() async throws {
        let script = Org.script([
            .json(
                200,
                [
                    ["id": "500000000000001AAA", "success": true, "errors": []],
                    [
                        "success": false,
                        "errors": [
                            [
                                "statusCode": "INVALID_FIELD", "message": "No such column 'X'",
                                "fields": ["X"],
                            ]
                        ],
                    ],
                    [
                        "id": "500000000000003AAA", "success": false,
                        "errors": [["statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked"]],
                    ],
                ])
        ])
        let updates = try (1...3).map { number in
            Salesforce.RecordUpdate(
                record: try Org.record("Case", "50000000000000\(number)AAA"),
                fields: ["Priority": "High", "ID": "x", "attributes": "x"])
        }
        let results = try await Org.client(script).updateCollection(updates)
        XCTAssertEqual(try results[0].get(), RecordID("500000000000001AAA"))
        XCTAssertEqual(
            results.map { result -> Disposition? in
                if case .failure(let failure) = result { Disposition(failure) } else { nil }
            }, [nil, .stop, .retry])
        if case .failure(let failure) = results[1] {
            XCTAssertEqual(failure.cause?.message, "No such column 'X' [X]")
        }
        XCTAssertEqual(script.lines.last, "PATCH /services/data/v62.0/composite/sobjects")
        let body = try XCTUnwrap(script.requests.last?.json)
        XCTAssertEqual(body["allOrNone"], false)
        XCTAssertEqual(
            body["records"]?[0],
            ["attributes": ["type": "Case"], "id": "500000000000001AAA", "Priority": "High"])
    }

    func testACollectionWhoseAnswerDoesNotMatchIsNoAnswer() async throws {
        let update = Salesforce.RecordUpdate(
            record: try Org.record("Case", caseID), fields: ["Priority": "High"])
        func check(
            _ updates: [Salesforce.RecordUpdate], _ answer: Result<HTTPResponse, HTTPClientError>,
            _ expected: Disposition, line: UInt = #line
        ) async throws {
            let client = try Org.client(Org.script([answer]))
            let failure = await failure(line: line) { () async throws(Failure) in
                try await client.updateCollection(updates)
            }
            XCTAssertEqual(Disposition(failure), expected, line: line)
        }
        try await check([update, update], .json(200, []), .retry)
        try await check([update], .json(200, ["x": 1]), .retry)
        try await check(
            [update],
            .json(400, [["errorCode": "REQUIRED_FIELD_MISSING", "message": "At least 1 record"]]),
            .stop)
        try await check([], .answer(200, "[]"), .stop)
        try await check(Array(repeating: update, count: 201), .answer(200, "[]"), .stop)
    }

    func testComposite() async throws {
        let script = Org.script([
            .json(
                200,
                [
                    "compositeResponse": [
                        [
                            "body": nil, "httpHeaders": [:], "httpStatusCode": 204,
                            "referenceId": "update",
                        ],
                        [
                            "body": [["errorCode": "UNABLE_TO_LOCK_ROW", "message": "locked"]],
                            "httpHeaders": [:], "httpStatusCode": 400, "referenceId": "comment",
                        ],
                    ]
                ])
        ])
        let answers = try await Org.client(script).composite(
            [
                Salesforce.Subrequest(
                    method: "PATCH", path: "/sobjects/Case/\(caseID)", reference: "update",
                    body: ["Priority": "High"]),
                Salesforce.Subrequest(
                    method: "POST", path: "/sobjects/CaseComment", reference: "comment",
                    body: ["ParentId": .string(caseID)]),
            ], allOrNone: true)
        XCTAssertEqual(answers.map(\.status), [204, 400])
        XCTAssertNil(answers[0].failure)
        XCTAssertEqual(Disposition(answers[1].failure), .retry)
        XCTAssertEqual(answers[1].failure?.cause?.code, "UNABLE_TO_LOCK_ROW")
        XCTAssertEqual(
            script.requests.last?.json?["compositeRequest"]?[0],
            [
                "method": "PATCH", "url": .string("/services/data/v62.0/sobjects/Case/\(caseID)"),
                "referenceId": "update", "body": ["Priority": "High"],
            ])
    }

    func testSeveralRecordsAreReadInOneCallAndInAnyOrder() async throws {
        func part(_ id: String, _ status: Int, _ body: JSON) -> JSON {
            [
                "body": body, "httpHeaders": [:], "httpStatusCode": JSON.number(JSONNumber(status)),
                "referenceId": .string("r\(id)"),
            ]
        }
        let gone = "500000000000002AAA"
        let script = Org.script([
            .json(
                200,
                [
                    "compositeResponse": [
                        part(gone, 404, [["errorCode": "NOT_FOUND", "message": "gone"]]),
                        part(caseID, 200, ["Id": .string(caseID), "Status": "New"]),
                    ]
                ])
        ])
        let wishes = try [caseID, gone].map { id in
            Salesforce.Wish(
                record: RecordReference(object: "Case", id: try XCTUnwrap(RecordID(id))),
                fields: ["Status"])
        }
        let found = try await Org.client(script).records(wishes)
        XCTAssertEqual(found[wishes[0].record.id]??["Status"], "New")
        XCTAssertEqual(found[wishes[1].record.id], .some(nil))
        XCTAssertEqual(script.lines.last, "POST /services/data/v62.0/composite")
    }
}
