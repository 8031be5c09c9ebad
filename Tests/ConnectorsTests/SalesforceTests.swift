import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

final class SalesforceTests: XCTestCase {
    private let caseID = "500000000000001AAA"

    func testEveryCallHasItsHeaders() async throws {
        let script = Org.script([.answer(204)])
        _ = try await Org.client(script).update(
            try Org.record("Case", caseID), fields: ["Priority": "High"])
        let request = try XCTUnwrap(script.requests.last)
        XCTAssertEqual(
            request.url,
            "https://acme.my.salesforce.com/services/data/v62.0/sobjects/Case/\(caseID)")
        XCTAssertEqual(request.method, "PATCH")
        XCTAssertEqual(request.json, ["Priority": "High"])
        XCTAssertEqual(request.headers["Authorization"], "Bearer T1")
        XCTAssertEqual(request.headers["Content-Type"], "application/json")
        XCTAssertEqual(request.headers["Sforce-Call-Options"], "client=liaison")
        XCTAssertEqual(request.headers["Sforce-Auto-Assign"], "FALSE")
        XCTAssertNil(request.headers["Sforce-Duplicate-Rule-Header"])
    }

    func testWriteOptionsAreHeaders() {
        let options = RecordWriteOptions(runsAssignmentRules: true, allowsDuplicate: true)
        XCTAssertEqual(options.headers["Sforce-Auto-Assign"], "TRUE")
        XCTAssertEqual(options.headers["Sforce-Duplicate-Rule-Header"], "allowSave=true")
    }

    func testARecordIsRead() async throws {
        let script = Org.script([.json(200, ["attributes": [:], "Status": "New"])])
        let reply = try await Org.client(script).record(
            try Org.record("Case", caseID), fields: ["Status", "Owner.Name"])
        XCTAssertEqual(reply["Status"], "New")
        XCTAssertEqual(
            script.lines.last,
            "GET /services/data/v62.0/sobjects/Case/\(caseID)?fields=Status%2COwner.Name")
    }

    func testARecordIsCreated() async throws {
        func check(
            _ answer: Result<HTTPResponse, HTTPClientError>, _ expected: Disposition?,
            line: UInt = #line
        ) async throws {
            let script = Org.script([answer])
            let client = try Org.client(script)
            do {
                let reply = try await client.create(
                    object: "Outage__c", fields: ["Name": "x", "Id": "y"])
                XCTAssertNil(expected, line: line)
                XCTAssertEqual(reply, RecordID("a00000000000001AAA"), line: line)
            } catch {
                XCTAssertEqual(Disposition(error), expected, line: line)
            }
            XCTAssertEqual(
                script.lines.last, "POST /services/data/v62.0/sobjects/Outage__c", line: line)
            XCTAssertEqual(script.requests.last?.json, ["Name": "x"], line: line)
        }
        let made: JSON = ["id": "a00000000000001AAA", "success": true, "errors": []]
        try await check(.json(201, made), nil)
        try await check(
            .json(
                400,
                [["errorCode": "DUPLICATE_VALUE", "message": "duplicate value found: Key__c"]]),
            .stop)
        try await check(
            .json(
                200,
                [
                    "id": nil, "success": false,
                    "errors": [["statusCode": "UNABLE_TO_LOCK_ROW", "message": "m", "fields": []]],
                ]), .retry)
        try await check(.json(201, ["success": true]), .retry)
        try await check(.answer(200, "<html>Maintenance</html>"), .retry)
        try await check(.answer(500), .retry)
        try await check(.failure(.unknownOutcome(reason: "reset")), .retry)
        try await check(.failure(.notSent(reason: "refused")), .retry)
    }

    func testAnUpsertNamesItsExternalID() async throws {
        func check(
            _ answers: [Result<HTTPResponse, HTTPClientError>], isSaved: Bool,
            calls: Int = 1, line: UInt = #line
        ) async throws {
            let script = Org.script(answers)
            let client = try Org.client(script)
            do {
                let reply = try await client.upsert(
                    object: "Outage__c", externalID: ExternalID(field: "Key__c", value: "a/b c"),
                    fields: ["Name": "x", "key__C": "not sent"])
                XCTAssertTrue(isSaved, line: line)
                XCTAssertEqual(reply, RecordID("a00000000000001AAA"), line: line)
            } catch {
                XCTAssertFalse(isSaved, line: line)
                XCTAssertEqual(Disposition(error), .stop, line: line)
            }
            XCTAssertEqual(script.lines.count, calls + 1, line: line)
            XCTAssertEqual(
                script.lines[1],
                "PATCH /services/data/v62.0/sobjects/Outage__c/Key__c/a%2Fb%20c", line: line)
            XCTAssertEqual(script.requests[1].json, ["Name": "x"], line: line)
        }
        let saved: JSON = ["id": "a00000000000001AAA", "success": true, "errors": []]
        let updated: JSON = [
            "id": "a00000000000001AAA", "success": true, "errors": [], "created": false,
        ]
        try await check([.json(201, saved)], isSaved: true)
        try await check([.json(200, updated)], isSaved: true)
        try await check(
            [.answer(204), .json(200, ["Id": "a00000000000001AAA"])], isSaved: true, calls: 2)
        try await check([.json(300, ["/services/data/v62.0/a"])], isSaved: false)
        try await check(
            [.json(404, [["errorCode": "NOT_FOUND", "message": "external ID"]])], isSaved: false)
    }

    func testInvalidNamesAreNotSent() async throws {
        let script = Org.script([])
        let client = try Org.client(script)
        let record = try Org.record("Case/../Account", caseID)
        func check(
            line: UInt = #line, _ call: () async throws(Failure) -> Void
        ) async {
            let failure = await failure(line: line, of: call)
            XCTAssertEqual(Disposition(failure), .stop, line: line)
        }
        await check { () async throws(Failure) in
            _ = try await client.record(record, fields: [])
        }
        await check { () async throws(Failure) in
            _ = try await client.create(object: "Case?x=1", fields: [:])
        }
        await check { () async throws(Failure) in
            _ = try await client.create(object: "Case", fields: ["Sub\"ject": "x"])
        }
        await check { () async throws(Failure) in
            _ = try await client.upsert(
                object: "Case", externalID: ExternalID(field: "Id", value: "5"), fields: [:])
        }
        await check { () async throws(Failure) in
            _ = try await client.upsert(
                object: "Case", externalID: ExternalID(field: "Key__c", value: ""), fields: [:])
        }
        await check { () async throws(Failure) in
            _ = try await client.upsert(
                object: "Case", externalID: ExternalID(field: "Key__c", value: ".."), fields: [:])
        }
        await check { () async throws(Failure) in
            _ = try await client.apexREST("a/../../data", body: nil)
        }
        await check { () async throws(Failure) in
            _ = try await client.apexREST("/", body: nil)
        }
        XCTAssertEqual(script.lines, [])
    }

    func testABodyIsDeliveredToAnApexRESTResource() async throws {
        func check(
            _ answer: Result<HTTPResponse, HTTPClientError>, _ value: JSON,
            path: String = "/pd/events v1"
        ) async throws {
            let script = Org.script([answer])
            let reply = try await Org.client(script).apexREST(path, body: ["a": 1])
            XCTAssertEqual(reply, value)
            XCTAssertEqual(script.lines.last, "POST /services/apexrest/pd/events%20v1")
            XCTAssertEqual(script.requests.last?.json, ["a": 1])
        }
        try await check(.json(200, ["ok": true]), ["ok": true])
        try await check(.answer(204), nil)
        try await check(.answer(200, "plain text"), nil)
        try await check(.answer(204), nil, path: "/services/apexrest/pd/events v1")
    }

    func testQueriesFollowThePages() async throws {
        func page(_ ids: [Int], next: JSON?) -> Result<HTTPResponse, HTTPClientError> {
            var page: JSONObject = [
                "totalSize": 5, "done": .bool(next == nil),
                "records": .array(ids.map { ["Id": .number(JSONNumber($0))] }),
            ]
            page["nextRecordsUrl"] = next
            return .json(200, .object(page))
        }
        let next: JSON = "/services/data/v62.0/query/01gx-2"
        func check(
            _ pages: [Result<HTTPResponse, HTTPClientError>], max: Int, read: Int,
            calls: Int, line: UInt = #line
        ) async throws {
            let script = Org.script(pages)
            let reply = try await Org.client(script).query(
                SOQL(select: ["Id"], from: "Case"), recordsMax: max)
            XCTAssertEqual(reply.count, read, line: line)
            XCTAssertEqual(script.lines.count, calls + 1, line: line)
            XCTAssertEqual(
                script.lines[1],
                "GET /services/data/v62.0/query?q=SELECT%20Id%20FROM%20Case", line: line)
        }
        let all = [page([1, 2, 3], next: next), page([4, 5], next: nil)]
        try await check(all, max: 10, read: 5, calls: 2)
        try await check(all, max: 3, read: 3, calls: 1)
        try await check(all, max: 4, read: 4, calls: 2)
        try await check([page([], next: nil)], max: 4, read: 0, calls: 1)
        for evil in ["https://evil.example/", "//evil.example/x", "/services/data/ x", "/x"] {
            let client = try Org.client(Org.script([page([1], next: .string(evil))]))
            let failure = await failure { () async throws(Failure) in
                try await client.query(try SOQL(select: ["Id"], from: "Case"))
            }
            XCTAssertEqual(failure?.cause?.code, "unreadableAnswer", evil)
        }
    }

}
