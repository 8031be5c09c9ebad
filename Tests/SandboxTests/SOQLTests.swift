import HTTP
import JSON
import XCTest

final class SOQLTests: XCTestCase {
    private var sandbox = DirectSandbox()

    override func setUp() {
        sandbox = DirectSandbox()
        let account = sandbox.salesforce("POST", "/sobjects/Account", ["Name": "Acme"]).body["id"]
        for (subject, priority) in [("Alpha", "High"), ("beta", "Low"), ("O'Neil 50%_", "Medium")] {
            sandbox.advance(60)
            sandbox.salesforce(
                "POST", "/sobjects/Case",
                [
                    "Subject": .string(subject), "Priority": .string(priority),
                    "IsEscalated": .bool(subject == "Alpha"),
                    "AccountId": subject == "beta" ? account ?? .null : .null,
                ])
        }
    }

    private func query(_ text: String, headers: HTTPHeaders = [:]) -> DirectSandbox.Answer {
        let encoded = text.utf8.map { byte -> String in
            byte == 0x20 ? "+" : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return sandbox.salesforce("GET", "/query?q=\(encoded.joined())", headers: headers)
    }

    func testConditions() {
        func check(_ condition: String, _ expected: [String], line: UInt = #line) {
            let answer = query("SELECT Subject FROM Case WHERE \(condition)")
            let found = answer.body["records"]?.array?.compactMap { $0["Subject"]?.string }
            XCTAssertEqual(found ?? ["\(answer.body)"], expected, line: line)
        }
        let (a, b, o) = ("Alpha", "beta", "O'Neil 50%_")
        check("Subject = 'alpha'", [a])
        check("Subject != 'Alpha'", [b, o])
        check("Subject <> 'Alpha'", [b, o])
        check(#"Subject = 'O\'Neil 50%_'"#, [o])
        check("Subject LIKE '%E%'", [b, o])
        check("Subject LIKE 'b_ta'", [b])
        check("Subject LIKE 'b_t'", [])
        check(#"Subject LIKE '%50\%\_'"#, [o])
        check(#"Subject LIKE '%a\_'"#, [])
        check("Priority IN ('High', 'Low')", [a, b])
        check("Priority NOT IN ('High', 'Low')", [o])
        check("IsEscalated = true", [a])
        check("IsEscalated != TRUE", [b, o])
        check("AccountId = null", [a, o])
        check("AccountId != NULL", [b])
        check("Account.Name = 'acme'", [b])
        check("Id = '500bX0000000002'", [b])
        check("id = '500bX0000000002QAA'", [b])
        check("Id IN ('500bX0000000001','500bX0000000003QAA')", [a, o])
        check("CreatedDate > 2026-03-02T09:16:04Z", [b, o])
        check("CreatedDate <= 2026-03-02T10:17:04+01:00", [a, b])
        check("CreatedDate >= 2026-03-02T09:18:04.000+0000", [o])
        check("Priority = 'High' OR Priority = 'Low'", [a, b])
        check("Priority = 'High' AND IsEscalated = false", [])
        check("(Priority = 'High' OR Priority = 'Low') AND NOT Subject = 'beta'", [a])
        check("Status = 'New' AND (NOT(Subject LIKE 'a%'))", [b, o])
    }

    func testSelectionsAndOrder() {
        func check(_ text: String, _ expected: JSON, line: UInt = #line) {
            let answer = query(text).body
            let rows = answer["records"]?.array?.map { row -> JSON in
                .array((row.object?.members ?? []).dropFirst().map(\.value))
            }
            XCTAssertEqual(.array(rows ?? []), expected, line: line)
        }
        check("SELECT Subject FROM Case ORDER BY Subject DESC LIMIT 1", [["O'Neil 50%_"]])
        check("SELECT subject FROM case ORDER BY Priority, Subject OFFSET 2", [["O'Neil 50%_"]])
        check("SELECT Subject FROM Case ORDER BY AccountId NULLS LAST LIMIT 1", [["beta"]])
        check(
            "SELECT Subject, Reason FROM Case WHERE Subject = 'beta'", [["beta", .null]])
        let parent = query(
            "SELECT Id, Account.Name, Account.Owner.Name FROM Case WHERE Subject = 'beta'")
        XCTAssertEqual(parent.body["records"]?[0]?["Account"]?["Name"], "Acme")
        XCTAssertEqual(
            parent.body["records"]?[0]?["Account"]?["Owner"]?["Name"], "Liaison Integration")
        let count = query("SELECT COUNT() FROM Case").body
        XCTAssertEqual(count, ["totalSize": 3, "done": true, "records": []])
        let all = query("SELECT FIELDS(ALL) FROM Case LIMIT 200").body["records"]?[0]
        XCTAssertEqual(all?["CaseNumber"], "00001001")
    }

    func testRefusedQueries() {
        func check(_ expected: String, _ text: String, line: UInt = #line) {
            let answer = query(text)
            XCTAssertEqual(answer.code, expected, "\(answer.body)", line: line)
            XCTAssertEqual(answer.status, 400, line: line)
        }
        check("MALFORMED_QUERY", "")
        check("MALFORMED_QUERY", "SELECT FROM Case")
        check("MALFORMED_QUERY", "SELECT Id FROM Case WHERE")
        check("MALFORMED_QUERY", "SELECT Id FROM Case WHERE Subject = 'open")
        check("MALFORMED_QUERY", #"SELECT Id FROM Case WHERE Subject = '\q'"#)
        check("MALFORMED_QUERY", "SELECT Id FROM Case WHERE Subject = naked")
        check("MALFORMED_QUERY", "SELECT Id FROM Case LIMIT many")
        check("MALFORMED_QUERY", "SELECT Id FROM Case extra words")
        check(
            "MALFORMED_QUERY",
            "SELECT Id FROM Case WHERE Id != null AND Id != null OR Subject = 'x'")
        check("MALFORMED_QUERY", "SELECT FIELDS(ALL) FROM Case")
        check("INVALID_TYPE", "SELECT Id FROM Accout")
        check("INVALID_FIELD", "SELECT Nope FROM Case")
        check("INVALID_FIELD", "SELECT Id FROM Case WHERE Nope = 1")
        check("INVALID_FIELD", "SELECT Unknown.Name FROM Case")
        check("INVALID_FIELD", "SELECT Id FROM Case WHERE Subject = 5")
        check("INVALID_FIELD", "SELECT Id FROM Case WHERE CreatedDate > 'yesterday'")
    }

    func testErrorsPointAtThePlace() {
        let message = query("SELECT Id, Nope FROM Case").body[0]?["message"]?.string ?? ""
        XCTAssertTrue(message.contains("ERROR at Row:1:Column:12"), message)
        XCTAssertTrue(message.contains("No such column 'Nope' on entity 'Case'"), message)
    }

    func testPages() {
        let one: JSON = ["attributes": ["type": "Contact"], "LastName": "A"]
        for _ in 0..<3 {
            sandbox.salesforce(
                "POST", "/composite/sobjects",
                ["records": .array(Array(repeating: one, count: 150))])
        }
        let headers: HTTPHeaders = ["Sforce-Query-Options": "batchSize=200"]
        var answer = query("SELECT Id FROM Contact", headers: headers)
        var seen = Set<JSON>()
        var sizes: [Int] = []
        while let rows = answer.body["records"]?.array {
            XCTAssertEqual(answer.body["totalSize"], 450)
            seen.formUnion(rows)
            sizes.append(rows.count)
            guard let next = answer.body["nextRecordsUrl"]?.string else { break }
            XCTAssertEqual(answer.body["done"], false)
            answer = sandbox.salesforce("GET", next, headers: headers)
        }
        XCTAssertEqual(sizes, [200, 200, 50])
        XCTAssertEqual(answer.body["done"], true)
        XCTAssertEqual(seen.count, 450)
        XCTAssertEqual(
            sandbox.salesforce("GET", "/query/01gnothing-200").code, "INVALID_QUERY_LOCATOR")
    }
}
