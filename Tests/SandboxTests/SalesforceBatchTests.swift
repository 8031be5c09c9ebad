import JSON
import XCTest

@testable import Sandbox

final class SalesforceBatchTests: XCTestCase {
    private var sandbox = DirectSandbox()

    override func setUp() { sandbox = DirectSandbox() }

    private func contact(_ fields: KeyValuePairs<String, JSON>) -> JSON {
        JSON.object(["attributes": ["type": "Contact"]]).with(fields)
    }

    private func send(
        _ method: String, _ records: [JSON], isAtomic: Bool = false, path: String = ""
    ) -> DirectSandbox.Answer {
        sandbox.salesforce(
            method, "/composite/sobjects\(path)",
            ["allOrNone": .bool(isAtomic), "records": .array(records)])
    }

    /// `ok`, or the status code of each record.
    private func outcomes(_ answer: DirectSandbox.Answer) -> [String] {
        (answer.body.array ?? []).map {
            $0["success"] == true ? "ok" : $0["errors"]?[0]?["statusCode"]?.string ?? "?"
        }
    }

    private var contacts: Int { sandbox.state.salesforce.tables["Contact"]?.count ?? 0 }

    func testEachRecordHasItsResult() {
        let answer = send(
            "POST",
            [
                contact(["LastName": "A"]), contact(["FirstName": "B"]),
                contact(["LastName": 5]), ["LastName": "C"],
            ])
        XCTAssertEqual(answer.status, 200)
        XCTAssertEqual(
            outcomes(answer),
            ["ok", "REQUIRED_FIELD_MISSING", "INVALID_TYPE_ON_FIELD_IN_RECORD", "INVALID_TYPE"])
        XCTAssertEqual(contacts, 1)
    }

    func testAllOrNone() {
        let records = [contact(["LastName": "A"]), contact(["FirstName": "B"])]
        XCTAssertEqual(
            outcomes(send("POST", records, isAtomic: true)),
            ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"])
        XCTAssertEqual(contacts, 0)
    }

    func testUpdates() {
        let made = send("POST", [contact(["LastName": "A"]), contact(["LastName": "B"])])
        let ids = (made.body.array ?? []).compactMap { $0["id"] }
        let answer = send(
            "PATCH",
            [
                contact(["id": ids[0], "LastName": "A2"]), contact(["LastName": "C"]),
                contact(["Id": "500bX0000000001", "LastName": "C"]),
                contact(["Id": ids[1], "Nope": 1]),
            ])
        XCTAssertEqual(
            outcomes(answer), ["ok", "MISSING_ARGUMENT", "MALFORMED_ID", "INVALID_FIELD"])
    }

    func testUpserts() {
        let path = "/Case/PagerDuty_Incident_Id__c"
        func row(_ key: JSON, _ subject: JSON) -> JSON {
            ["attributes": ["type": "Case"], "PagerDuty_Incident_Id__c": key, "Subject": subject]
        }
        let answer = send(
            "PATCH", [row("Q1", "a"), row("Q1", "b"), row(.null, "c")], path: path)
        XCTAssertEqual(outcomes(answer), ["ok", "ok", "MISSING_ARGUMENT"])
        XCTAssertEqual(answer.body.array?.map { $0["created"] }, [true, false, nil])
    }

    func testSizes() {
        XCTAssertEqual(send("POST", []).code, "REQUIRED_FIELD_MISSING")
        let one = contact(["LastName": "A"])
        XCTAssertEqual(outcomes(send("POST", Array(repeating: one, count: 200))).count, 200)
        XCTAssertEqual(send("POST", Array(repeating: one, count: 201)).status, 400)
    }

    func testDeletes() {
        let made = send("POST", [contact(["LastName": "A"])])
        let id = made.body[0]?["id"]?.string ?? ""
        let answer = sandbox.salesforce("DELETE", "/composite/sobjects?ids=\(id),x")
        XCTAssertEqual(outcomes(answer), ["ok", "MALFORMED_ID"])
        XCTAssertEqual(contacts, 0)
    }

    private func part(
        _ reference: String, _ method: String, _ path: String, _ body: JSON? = nil
    ) -> JSON {
        let part: JSON = [
            "referenceId": .string(reference), "method": .string(method),
            "url": .string("/services/data/v62.0\(path)"),
        ]
        return body.map { part.with(["body": $0]) } ?? part
    }

    private func compose(_ parts: [JSON], isAtomic: Bool = false) -> [JSON] {
        let answer = sandbox.salesforce(
            "POST", "/composite",
            ["allOrNone": .bool(isAtomic), "compositeRequest": .array(parts)])
        XCTAssertEqual(answer.status, 200)
        return answer.body["compositeResponse"]?.array ?? []
    }

    func testLaterPartsUseEarlierAnswers() {
        let found = compose([
            part("new", "POST", "/sobjects/Case", ["Subject": "S"]),
            part(
                "note", "POST", "/sobjects/CaseComment",
                [
                    "ParentId": "@{new.id}", "CommentBody": "on @{new.id}",
                ]),
            part("list", "GET", "/query?q=SELECT+Id,CommentBody+FROM+CaseComment"),
            part("read", "GET", "/sobjects/CaseComment/@{list.records[0].Id}"),
            part("bad", "GET", "/sobjects/Case/@{unknown.id}"),
        ])
        XCTAssertEqual(found.map { $0["httpStatusCode"] }, [201, 201, 200, 200, 400])
        XCTAssertEqual(found.map { $0["referenceId"] }, ["new", "note", "list", "read", "bad"])
        XCTAssertEqual(
            found[3]["body"]?["CommentBody"]?.string,
            "on \(found[0]["body"]?["id"]?.string ?? "")")
        XCTAssertEqual(found[4]["body"]?[0]?["errorCode"], "PROCESSING_HALTED")
        XCTAssertEqual(sandbox.state.salesforce.callsToday, 1, "one call of the day")
    }

    func testAtomicCompositeUndoesItself() {
        let found = compose(
            [
                part("a", "POST", "/sobjects/Case", ["Subject": "S"]),
                part("b", "POST", "/sobjects/Contact", ["FirstName": "B"]),
            ], isAtomic: true)
        XCTAssertEqual(
            found.map { $0["body"]?[0]?["errorCode"] },
            ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"])
        XCTAssertEqual(sandbox.state.salesforce.tables["Case"]?.count, 0)
    }

    func testCompositeIsChecked() {
        let good = part("a", "GET", "/sobjects")
        func check(_ parts: [JSON], line: UInt = #line) {
            let answer = sandbox.salesforce(
                "POST", "/composite", ["compositeRequest": .array(parts)])
            XCTAssertEqual(answer.status, 400, line: line)
        }
        check([])
        check(Array(repeating: good, count: 26))
        check([part("1a", "GET", "/sobjects")])
        check([["method": "GET"]])
    }
}
