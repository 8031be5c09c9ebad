import Postgres
import TestSupport
import XCTest

/// Values are sent to a real server and read back.
final class ValueTests: XCTestCase {
    private func check<T: ColumnValue & Equatable & Sendable>(
        _ statement: SQL, is expected: T, line: UInt = #line
    ) async throws {
        let rows = try await pool.query(statement)
        XCTAssertEqual(try rows.decoded(T.self), [expected], line: line)
    }

    private func check(
        _ statement: SQL, fails expected: PostgresError, line: UInt = #line
    ) async {
        do {
            _ = try await pool.query(statement)
            XCTFail("no error", line: line)
        } catch {
            XCTAssertEqual(error as? PostgresError, expected, line: line)
        }
    }

    private var pool: Pool { get throws { try XCTUnwrap(lent) } }
    private var lent: Pool?

    override func setUp() async throws {
        lent = try await TestDatabase.make(for: self).pool(connectionsMax: 1)
    }

    func testColumnsAreReadByName() async throws {
        let rows = try await pool.query("SELECT 7::int8, NULL::text, 'x'")
        var row = try XCTUnwrap(rows.first).reader
        let number: Int64 = try row.next()
        let nothing: String? = try row.next()
        XCTAssertThrowsError(try row.end())
        let text: String = try row.next()
        XCTAssertEqual([String(number), nothing, text], ["7", nil, "x"])
        try row.end()
        XCTAssertThrowsError(try row.next(String.self))
    }

    func testScalarsRoundTrip() async throws {
        for number: Int64 in [0, 1, -1, 255, -256, .max, .min] {
            try await check("SELECT \(number)", is: number)
        }
        for number: Int32 in [0, -1, .max, .min] { try await check("SELECT \(number)", is: number) }
        for number in [0.0, -1.5, .infinity, .pi, .leastNonzeroMagnitude] {
            try await check("SELECT \(number)", is: number)
        }
        for text in ["", "a", "'\\\"", "Zürich 🚒", String(repeating: "x", count: 1_000_000)] {
            try await check("SELECT \(text)::text", is: text)
        }
        try await check("SELECT \(true)", is: true)
        try await check("SELECT \([0, 1, 255] as [UInt8])", is: [0, 1, 255] as [UInt8])
        try await check("SELECT \([] as [UInt8])", is: [] as [UInt8])
        try await check("SELECT \(nil as Int64?)", is: nil as Int64?)
        try await check("SELECT \(nil as String?)::text", is: nil as String?)
    }

    func testTextIsTakenByEveryTypeThatIsWrittenAsText() async throws {
        let id = "01234567-89ab-cdef-0123-456789abcdef"
        try await check("SELECT \(id)::uuid", is: id)
        try await check("SELECT \("{\"a\": 1}")::jsonb", is: "{\"a\": 1}")
        try await check("SELECT \("{\"a\":  1}")::json", is: "{\"a\":  1}")
        try await check("SELECT (\("{\"a\": 7}")::jsonb ->> 'a')::int", is: Int32(7))
    }

    func testArraysRoundTripThroughUnnest() async throws {
        let texts = ["a,b", "{\"}", "", "NULL", "\\"]
        try await check(
            "SELECT string_agg(t, '|' ORDER BY n) FROM unnest(\(texts)) WITH ORDINALITY u(t, n)",
            is: texts.joined(separator: "|"))
        try await check("SELECT sum(n)::bigint FROM unnest(\([1, 2, 3])) n", is: 6)
        try await check("SELECT count(*) FROM unnest(\([] as [Int64])) n", is: 0)
        try await check(
            "SELECT count(*) - count(n) FROM unnest(\([1, nil, 3] as [Int64?])) n", is: 1)
        try await check(
            "SELECT string_agg(b, '\\x2d' ORDER BY b) FROM unnest(\([[1], [2, 3]] as [[UInt8]])) b",
            is: [1, 0x2d, 2, 3] as [UInt8])
        try await check("SELECT bool_and(b) FROM unnest(\([true, true])) b", is: true)
        try await check("SELECT sum(d) FROM unnest(\([0.5, 0.25])) d", is: 0.75)
    }

    func testADurationIsAnIntervalToTheMicrosecond() async throws {
        let rows: [(Duration, String)] = [
            (.zero, "00:00:00"), (.milliseconds(1500), "00:00:01.5"),
            (.microseconds(1), "00:00:00.000001"),
            (.nanoseconds(999), "00:00:00"), (.seconds(-90), "-00:01:30"),
            (.milliseconds(-250), "-00:00:00.25"), (.seconds(30 * 86_400), "720:00:00"),
        ]
        for (duration, text) in rows { try await check("SELECT \(duration)::text", is: text) }
        try await check(
            "SELECT sum(i)::text FROM unnest(\(rows.map(\.0))) i", is: "719:58:31.250001")
        // These are longer than an interval can be.
        try await check("SELECT \(Duration.seconds(Int64.max)) > interval '200000 years'", is: true)
        try await check(
            "SELECT \(Duration.seconds(Int64.min)) < interval '-200000 years'", is: true)
    }

    func testRowsOfAnotherShapeAreNamed() async throws {
        let one = try await pool.query("SELECT 1 AS n, NULL::text AS t")
        XCTAssertThrowsError(try one[0].decoded(Int.self)) {
            XCTAssertEqual($0 as? PostgresError, .row("1 columns expected, 2 found"))
        }
        XCTAssertThrowsError(try one[0].decoded(Int.self, String.self)) {
            XCTAssertEqual(
                $0 as? PostgresError, .row("column \"t\" is null where String is expected"))
        }
        XCTAssertThrowsError(try one[0].decoded(String.self, String?.self)) {
            XCTAssertEqual(
                $0 as? PostgresError, .row("column \"n\" has type 23, which String does not read"))
        }
    }

    func testErrorsSayWhatHappensNext() async throws {
        _ = try await pool.query("CREATE TABLE once (n int CONSTRAINT only_once UNIQUE)")
        _ = try await pool.query("INSERT INTO once VALUES (1)")
        await check(
            "INSERT INTO once VALUES (1)", fails: .constraint("only_once", sqlState: "23505"))
        _ = try await pool.query("CREATE TABLE positive (n int CONSTRAINT above_0 CHECK (n > 0))")
        await check(
            "INSERT INTO positive VALUES (0)", fails: .constraint("above_0", sqlState: "23514"))
        _ = try await pool.query("CREATE TABLE by_day (day int) PARTITION BY LIST (day)")
        await check("INSERT INTO by_day VALUES (1)", fails: .missingPartition(table: "by_day"))
        await check(
            "SELECT nonsense",
            fails: .statement(
                sqlState: "42703", message: "column \"nonsense\" does not exist"))
        await check(
            "SELECT \("cut\0here")::text",
            fails: .statement(sqlState: "22021", message: "text holds a NUL"))
    }
}
