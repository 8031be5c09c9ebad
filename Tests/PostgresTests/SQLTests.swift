import Postgres
import XCTest

final class SQLTests: XCTestCase {
    private func check(
        _ statement: SQL, is text: String, values: Int, line: UInt = #line
    ) {
        XCTAssertEqual(statement.text, text, line: line)
        XCTAssertEqual(statement.values.count, values, line: line)
    }

    func testEveryInterpolationBecomesAParameter() {
        let hostile = "'; DROP TABLE job; --"
        let nothing: Int64? = nil
        let condition: SQL = "b = \(2) OR c = \(hostile)"
        check("SELECT 1", is: "SELECT 1", values: 0)
        check("SELECT \(1)", is: "SELECT $1", values: 1)
        check("SELECT \(hostile), \(nothing)", is: "SELECT $1, $2", values: 2)
        check("x = \([1, 2, 3]) AND \(true)", is: "x = $1 AND $2", values: 2)
        check(
            "a = \(1) AND (\(condition)) AND d = \(4)",
            is: "a = $1 AND (b = $2 OR c = $3) AND d = $4", values: 4)
        check("LISTEN \(unescaped: "events")", is: "LISTEN events", values: 0)
    }
}
