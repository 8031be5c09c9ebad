import Models
import XCTest

@testable import Connectors

final class SOQLTests: XCTestCase {
    func testAQueryIsWrittenAsSOQL() throws {
        func check(_ query: SOQL, _ text: String, line: UInt = #line) {
            XCTAssertEqual(query.text, text, line: line)
        }
        check(try SOQL(select: ["Id"], from: "Case"), "SELECT Id FROM Case")
        check(
            try SOQL(
                select: ["Id", "Owner.Name"], from: "ns__Outage__c",
                where: .equal("Key__c", .string("a'b")),
                orderBy: [SOQLOrder("CreatedDate", .descending), SOQLOrder("Id")],
                limit: 5),
            "SELECT Id, Owner.Name FROM ns__Outage__c WHERE Key__c = 'a\\'b' "
                + "ORDER BY CreatedDate DESC, Id ASC LIMIT 5")
    }

    func testValuesAreEscaped() {
        func check(_ text: String, _ escaped: String, line: UInt = #line) {
            XCTAssertEqual(SOQL.escaped(text), escaped, line: line)
        }
        check("plain ä 漢", "plain ä 漢")
        check("' OR Id != '", "\\' OR Id != \\'")
        check("\\'", "\\\\\\'")
        check("\"", "\\\"")
        check("a\r\nb\tc\u{8}\u{C}", "a\\r\\nb\\tc\\b\\f")
        check("50%_", "50%_")
        // A mark that combines with the quote makes one character of the two.
        check("'\u{301} OR", "\\'\u{301} OR")
    }

    func testInvalidNamesAreRefused() {
        func check(_ name: String, line: UInt = #line) {
            XCTAssertThrowsError(try SOQL(select: [name], from: "Case"), line: line)
            XCTAssertThrowsError(try SOQL(select: ["Id"], from: name), line: line)
            XCTAssertThrowsError(
                try SOQL(select: ["Id"], from: "Case", where: .equal(name, .string(""))), line: line
            )
            XCTAssertThrowsError(
                try SOQL(select: ["Id"], from: "Case", orderBy: [SOQLOrder(name)]), line: line)
        }
        for name in [
            "", " Id", "Id ", "1d", "_x", "A-B", "A B", "A'", "A.", ".A", "A..B", "A(B)", "Ä",
            "Id FROM User", String(repeating: "a", count: 81), "A\u{301}",
        ] { check(name) }
        XCTAssertThrowsError(try SOQL(select: [], from: "Case"))
        XCTAssertThrowsError(try SOQL(select: ["Id"], from: "Owner.Name"))
        XCTAssertThrowsError(try SOQL(select: ["a.b.c.d.e.f.g"], from: "Case"))
    }
}
