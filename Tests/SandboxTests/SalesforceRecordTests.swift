import JSON
import XCTest

@testable import Sandbox

final class SalesforceRecordTests: XCTestCase {
    private var sandbox = DirectSandbox()

    override func setUp() { sandbox = DirectSandbox() }

    @discardableResult
    private func create(
        _ type: String, _ fields: JSON, line: UInt = #line
    ) -> String {
        let answer = sandbox.salesforce("POST", "/sobjects/\(type)", fields)
        XCTAssertEqual(answer.status, 201, "\(answer.body)", line: line)
        return answer.body["id"]?.string ?? ""
    }

    func testARecordLives() {
        let id = create("Case", ["Subject": "Checkout is down"])
        XCTAssertEqual(id, "500bX0000000001QAA")
        let path = "/sobjects/Case/\(id)"
        let made = sandbox.salesforce("GET", path).body
        XCTAssertEqual(
            made["attributes"]?["url"]?.string, "/services/data/v62.0/sobjects/Case/\(id)")
        XCTAssertEqual(made["Status"], "New")
        XCTAssertEqual(made["Priority"], "Medium")
        XCTAssertEqual(made["CaseNumber"], "00001001")
        XCTAssertEqual(made["CreatedDate"], "2026-03-02T09:15:04.000+0000")
        XCTAssertEqual(made["Reason"], .null)
        XCTAssertEqual(made["IsClosed"], false)
        sandbox.advance(90)
        let changed = sandbox.salesforce("PATCH", "\(path)/", ["Status": "Closed", "subject": ""])
        XCTAssertEqual(changed.status, 204)
        XCTAssertEqual(changed.body, .null)
        let fields = "Status,Subject,ClosedDate,IsClosed,LastModifiedDate"
        let after = sandbox.salesforce("GET", "\(path)?fields=\(fields)").body
        XCTAssertEqual(after.object?.count, 6)
        XCTAssertEqual(after["Subject"], .null)
        XCTAssertEqual(after["IsClosed"], true)
        XCTAssertEqual(after["ClosedDate"], "2026-03-02T09:16:34.000+0000")
        XCTAssertEqual(after["LastModifiedDate"], after["ClosedDate"])
        XCTAssertEqual(sandbox.salesforce("GET", "/sobjects/Case/\(id.prefix(15))").status, 200)
        XCTAssertEqual(sandbox.salesforce("DELETE", path).status, 204)
        XCTAssertEqual(sandbox.salesforce("GET", path).code, "NOT_FOUND")
        XCTAssertEqual(
            sandbox.salesforce("PATCH", path, ["Subject": "x"]).code, "ENTITY_IS_DELETED")
    }

    func testLastModifiedByIsTheSessionsUser() {
        let id = create("Case", [:])
        func author() -> JSON? {
            sandbox.salesforce("GET", "/sobjects/Case/\(id)").body["LastModifiedById"]
        }
        XCTAssertEqual(author(), "005bX0000000003QAA")
        sandbox.logIn(as: "tomas@sandbox.example")
        sandbox.salesforce("PATCH", "/sobjects/Case/\(id)", ["Subject": "x"])
        XCTAssertEqual(author(), "005bX0000000002QAA")
    }

    func testRefusedWrites() {
        let account = create("Account", ["Name": "Acme"])
        func check(
            _ expected: String, _ type: String, _ fields: JSON, line: UInt = #line
        ) {
            let answer = sandbox.salesforce("POST", "/sobjects/\(type)", fields)
            let names = answer.body[0]?["fields"]?.array?.compactMap(\.string) ?? []
            XCTAssertEqual(
                ([answer.code ?? ""] + names).joined(separator: " "), expected,
                "\(answer.body)", line: line)
            XCTAssertEqual(answer.status, 400, line: line)
        }
        check("INVALID_FIELD", "Case", ["Subjekt": "x"])
        check("INVALID_FIELD", "Case", ["Id": "500bX0000000009QAA"])
        check("INVALID_FIELD_FOR_INSERT_UPDATE CaseNumber", "Case", ["CaseNumber": "1"])
        check("INVALID_FIELD_FOR_INSERT_UPDATE CreatedDate", "Case", ["CreatedDate": .null])
        check("STRING_TOO_LONG Subject", "Case", ["Subject": text(256)])
        check("JSON_PARSER_ERROR", "Case", ["Subject": 5])
        check("JSON_PARSER_ERROR", "Case", ["IsEscalated": "maybe"])
        check("MALFORMED_ID AccountId", "Case", ["AccountId": "acme"])
        check("INVALID_CROSS_REFERENCE_KEY AccountId", "Case", ["AccountId": "001bX0000000009"])
        check("FIELD_INTEGRITY_EXCEPTION ContactId", "Case", ["ContactId": .string(account)])
        check("INVALID_EMAIL_ADDRESS SuppliedEmail", "Case", ["SuppliedEmail": "acme"])
        check("REQUIRED_FIELD_MISSING LastName", "Contact", ["FirstName": "Ada"])
        check("REQUIRED_FIELD_MISSING LastName Company", "Lead", [:])
        check("REQUIRED_FIELD_MISSING Name", "Outage__c", ["Name": ""])
        check(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST Severity__c", "Outage__c",
            ["Name": "x", "Severity__c": "sev1"])
        check("JSON_PARSER_ERROR", "Outage__c", ["Name": "x", "Started_At__c": "noon"])
        check("JSON_PARSER_ERROR", "Outage__c", ["Name": "x", "Review_Date__c": "2026-3-2"])
        check("JSON_PARSER_ERROR", "Account", ["Name": "x", "NumberOfEmployees": 1.5])
        check(
            "NUMBER_OUTSIDE_VALID_RANGE Customers_Affected__c", "Outage__c",
            ["Name": "x", "Customers_Affected__c": 100_000_000])
        check("REQUIRED_FIELD_MISSING ParentId", "CaseComment", ["CommentBody": "x"])
        XCTAssertEqual(sandbox.salesforce("POST", "/sobjects/Nothing", [:]).code, "NOT_FOUND")
    }

    func testUpdatesAreCheckedLikewise() {
        let id = create("Outage__c", ["Name": "x"])
        let comment = create(
            "CaseComment", ["ParentId": .string(create("Case", [:])), "CommentBody": "x"])
        func check(_ expected: String, _ path: String, _ fields: JSON, line: UInt = #line) {
            let answer = sandbox.salesforce("PATCH", "/sobjects/\(path)", fields)
            XCTAssertEqual("\(answer.status) \(answer.code ?? "")", expected, line: line)
        }
        check("204 ", "Outage__c/\(id)", ["Severity__c": "SEV1", "Customers_Affected__c": "12"])
        check("400 REQUIRED_FIELD_MISSING", "Outage__c/\(id)", ["Name": .null])
        check(
            "400 INVALID_FIELD_FOR_INSERT_UPDATE", "CaseComment/\(comment)",
            ["ParentId": "500bX0000000001"])
        check("404 NOT_FOUND", "Outage__c/a0BbX0000000099", ["Name": "y"])
        check("404 NOT_FOUND", "Outage__c/500bX0000000001", ["Name": "y"])
        XCTAssertEqual(
            sandbox.salesforce("GET", "/sobjects/Outage__c/\(id)").body["Customers_Affected__c"], 12
        )
    }

    func testLengthsInCharactersAndInBytes() {
        let id = create("Case", ["Subject": text(255, of: "é")])
        let comment = JSON.object(["ParentId": .string(id)])
        func check(_ status: Int, _ body: JSON, line: UInt = #line) {
            let answer = sandbox.salesforce(
                "POST", "/sobjects/CaseComment", comment.with(["CommentBody": body]))
            XCTAssertEqual(answer.status, status, line: line)
        }
        check(201, text(4_000))
        check(400, text(4_001))
        check(201, text(2_000, of: "é"))
        check(400, text(2_001, of: "é"))
    }

    func testCommentsFieldMakesAComment() {
        let id = create("Case", ["Subject": "x", "Comments": "first"])
        sandbox.salesforce("PATCH", "/sobjects/Case/\(id)", ["Comments": "second"])
        let query = "SELECT+CommentBody,IsPublished+FROM+CaseComment+WHERE+ParentId='\(id)'"
        let rows = sandbox.salesforce("GET", "/query?q=\(query)").body["records"]?.array ?? []
        XCTAssertEqual(rows.map { $0["CommentBody"] }, ["first", "second"])
        XCTAssertEqual(rows.map { $0["IsPublished"] }, [false, false])
        XCTAssertEqual(
            sandbox.salesforce("GET", "/sobjects/Case/\(id)").body["Comments"], .null)
    }

    func testUpsertByExternalID() {
        let path = "/sobjects/Case/PagerDuty_Incident_Id__c/Q1%2FA"
        let made = sandbox.salesforce("PATCH", path, ["Subject": "one"])
        XCTAssertEqual(made.status, 201)
        XCTAssertEqual(made.body["created"], true)
        let again = sandbox.salesforce("PATCH", path, ["Subject": "two"])
        XCTAssertEqual(again.status, 200)
        XCTAssertEqual(again.body["created"], false)
        XCTAssertEqual(again.body["id"], made.body["id"])
        XCTAssertEqual(
            sandbox.salesforce("PATCH", path, ["Subject": "3"], version: "v45.0").status, 204)
        let read = sandbox.salesforce("GET", path).body
        XCTAssertEqual(read["PagerDuty_Incident_Id__c"], "Q1/A")
        func check(_ expected: String, _ target: String, _ body: JSON, line: UInt = #line) {
            let answer = sandbox.salesforce("PATCH", "/sobjects/Case/\(target)", body)
            XCTAssertEqual("\(answer.status) \(answer.code ?? "")", expected, line: line)
        }
        check("404 NOT_FOUND", "Subject/x", [:])
        check(
            "400 INVALID_FIELD", "PagerDuty_Incident_Id__c/Q1", ["PagerDuty_Incident_Id__c": "Q1"])
        check("404 NOT_FOUND", "PagerDuty_Incident_Id__c/Q2?updateOnly=true", [:])
    }

    func testUniqueAndAmbiguousValues() {
        let fields: JSON = ["PagerDuty_Incident_Id__c": "Q1"]
        let id = create("Case", fields)
        let again = sandbox.salesforce("POST", "/sobjects/Case", fields)
        XCTAssertEqual(again.code, "DUPLICATE_VALUE")
        XCTAssertEqual(again.body[0]?["message"]?.string?.hasSuffix(id), true)
        XCTAssertEqual(sandbox.salesforce("PATCH", "/sobjects/Case/\(id)", fields).status, 204)
        create("Account", ["Name": "A", "AccountNumber": "7"])
        create("Account", ["Name": "B", "AccountNumber": "7"])
        let several = sandbox.salesforce(
            "PATCH", "/sobjects/Account/AccountNumber/7", ["Name": "C"])
        XCTAssertEqual(several.status, 300)
        XCTAssertEqual(several.body.array?.count, 2)
    }

    func testDescribe() {
        let all = sandbox.salesforce("GET", "/sobjects").body["sobjects"]?.array ?? []
        XCTAssertEqual(all.first { $0["name"] == "Case" }?["keyPrefix"], "500")
        let answer = sandbox.salesforce("GET", "/sobjects/Case/describe").body
        func check(_ name: String, _ member: String, _ expected: JSON, line: UInt = #line) {
            let field = answer["fields"]?.array?.first { $0["name"]?.string == name }
            XCTAssertEqual(field?[member], expected, line: line)
        }
        check("Subject", "length", 255)
        check("Subject", "type", "string")
        check("Status", "restrictedPicklist", false)
        check("Status", "defaultedOnCreate", true)
        check("PagerDuty_Status__c", "restrictedPicklist", true)
        check("PagerDuty_Incident_Id__c", "externalId", true)
        check("OwnerId", "referenceTo", ["Group", "User"])
        check("AccountId", "relationshipName", "Account")
        check("Comments", "updateable", true)
        check("CaseNumber", "createable", false)
        let required = answer["fields"]?.array?.filter {
            $0["createable"] == true && $0["nillable"] == false && $0["defaultedOnCreate"] == false
        }
        XCTAssertEqual(required?.count, 0, "as in a stock organisation")
    }

    func testAFieldCanGoAndCome() {
        sandbox.control("DELETE", "/_sandbox/salesforce/fields/Case/Reason")
        XCTAssertEqual(
            sandbox.salesforce("POST", "/sobjects/Case", ["Reason": "x"]).code, "INVALID_FIELD")
        sandbox.control(
            "POST", "/_sandbox/salesforce/fields",
            [
                "object": "Case", "name": "Region__c", "type": "picklist", "values": ["EU"],
                "restricted": true,
            ])
        XCTAssertEqual(
            sandbox.salesforce("POST", "/sobjects/Case", ["Region__c": "US"]).code,
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
        create("Case", ["Region__c": "EU"])
    }

    func testLimits() {
        let first = sandbox.salesforce("GET", "/sobjects")
        XCTAssertEqual(first.headers["Sforce-Limit-Info"], "api-usage=1/5000000")
        sandbox.control("PUT", "/_sandbox/salesforce/limits", ["callsPerDayMax": 2])
        XCTAssertEqual(sandbox.salesforce("GET", "/sobjects").status, 200)
        let over = sandbox.salesforce("GET", "/sobjects")
        XCTAssertEqual(over.status, 403)
        XCTAssertEqual(over.code, "REQUEST_LIMIT_EXCEEDED")
        XCTAssertEqual(over.headers["Sforce-Limit-Info"], "api-usage=2/2")
        sandbox.advance(86_400)
        sandbox.logIn(as: "liaison@sandbox.example")
        XCTAssertEqual(sandbox.salesforce("GET", "/sobjects").status, 200)
    }

    func testUnknownPlaces() {
        func check(_ path: String, _ status: Int, version: String = "v62.0", line: UInt = #line) {
            let answer = sandbox.salesforce("GET", path, version: version)
            XCTAssertEqual(answer.status, status, line: line)
        }
        check("/nothing", 404)
        check("/sobjects", 404, version: "v99.0")
        check("/sobjects", 404, version: "62.0")
        check("/sobjects", 200, version: "v66.0")
        check("/services/data", 200)
    }

    private func text(_ count: Int, of character: Character = "x") -> JSON {
        .string(String(repeating: character, count: count))
    }
}
