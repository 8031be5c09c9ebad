import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

final class CollectionTests: XCTestCase {
    private let caseID = "500000000000001AAA"

    func testACollectionGivesTheResultOfEachRecord() async throws {
        let script = Org.script([.json(200, Self.collectionAnswer)])
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

    private static let collectionAnswer: JSON = [
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
    ]

    func testACollectionFailsIfItsAnswerDoesNotMatch() async throws {
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
        let reads = try [caseID, gone].map { id in
            Salesforce.RecordRead(
                record: RecordReference(object: "Case", id: try XCTUnwrap(RecordID(id))),
                fields: ["Status"])
        }
        let found = try await Org.client(script).records(reads)
        XCTAssertEqual(found[reads[0].record.id]??["Status"], "New")
        XCTAssertEqual(found[reads[1].record.id], .some(nil))
        XCTAssertEqual(script.lines.last, "POST /services/data/v62.0/composite")
        let body = try XCTUnwrap(script.requests.last?.json)
        XCTAssertEqual(body["allOrNone"], false)
        XCTAssertEqual(
            body["compositeRequest"]?[0],
            [
                "method": "GET",
                "url": .string("/services/data/v62.0/sobjects/Case/\(caseID)?fields=Status"),
                "referenceId": .string("r\(caseID)"),
            ])
    }

    func testAFailedReadOfACompositeIsTheFailureOfTheWhole() async throws {
        let locked: JSON = [["errorCode": "UNABLE_TO_LOCK_ROW", "message": "locked"]]
        let parts: [JSON] = [
            [
                "body": ["Id": .string(caseID)], "httpHeaders": [:], "httpStatusCode": 200,
                "referenceId": .string("r\(caseID)"),
            ],
            [
                "body": locked, "httpHeaders": [:], "httpStatusCode": 400,
                "referenceId": "r500000000000002AAA",
            ],
        ]
        let reads = try [caseID, "500000000000002AAA"].map { id in
            Salesforce.RecordRead(
                record: RecordReference(object: "Case", id: try XCTUnwrap(RecordID(id))),
                fields: ["Id"])
        }
        let client = try Org.client(
            Org.script([.json(200, ["compositeResponse": .array(parts)])]))
        let failure = await failure { () async throws(Failure) in try await client.records(reads) }
        XCTAssertEqual(Disposition(failure), .retry)
        XCTAssertEqual(failure?.cause?.code, "UNABLE_TO_LOCK_ROW")
        let short = try Org.client(
            Org.script([.json(200, ["compositeResponse": .array([parts[0]])])]))
        let incomplete = await self.failure { () async throws(Failure) in
            try await short.records(reads)
        }
        XCTAssertEqual(Disposition(incomplete), .retry)
    }
}
