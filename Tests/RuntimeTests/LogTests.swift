import Foundation
import Runtime
import Synchronization
import XCTest

final class LogTests: XCTestCase {
    func testALineIsOneObjectWithTheFieldsInOrder() throws {
        let lines = written { log in
            log.info("ready", ["port": 8080, "seconds": 0.5, "tls": false, "host": "localhost"])
        }
        let line = try XCTUnwrap(lines.first)
        let pattern = #"^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"info","#
        XCTAssertNotNil(line.range(of: pattern, options: .regularExpression), line)
        XCTAssertTrue(
            line.hasSuffix(
                #""msg":"ready","logger":"test","port":8080,"seconds":0.5,"tls":false,"#
                    + #""host":"localhost"}"# + "\n"), line)
    }

    func testControlCharactersAreEscaped() {
        check("a\nb\r\tc", is: #"a\nb\r\tc"#)
        check("\"quoted\\\"", is: #"\"quoted\\\""#)
        check("\u{1B}[31m\u{0}\u{7F}\u{9B}", is: #"\u001b[31m\u0000\u007f\u009b"#)
        check("\u{202E}x\u{2066}\u{2028}\u{FEFF}", is: #"\u202ex\u2066\u2028\ufeff"#)
        check("Zürich 🚒", is: "Zürich 🚒")
    }

    func testALongValueIsCutBetweenScalars() {
        let limit = Log.valueBytesMax
        check(String(repeating: "x", count: limit), is: String(repeating: "x", count: limit))
        check(
            String(repeating: "x", count: limit + 1), is: String(repeating: "x", count: limit) + "…"
        )
        check(
            String(repeating: "x", count: limit - 1) + "ü",
            is: String(repeating: "x", count: limit - 1) + "…")
    }

    func testBelowTheLevelNoLineIsWrittenAndNoMessageBuilt() {
        let lines = written(level: .warning) { log in
            log.debug(
                { () -> String in
                    XCTFail("evaluated"); return ""
                }())
            log.info("no")
            log.warning("yes")
            log.error("yes")
        }
        XCTAssertEqual(lines.count, 2)
    }

    func testLinesOfManyThreadsNeverInterleave() {
        let lines = written { log in
            DispatchQueue.concurrentPerform(iterations: 200) { index in
                log.info("concurrent", ["index": .integer(index)])
            }
        }
        XCTAssertEqual(lines.count, 200)
        XCTAssertTrue(lines.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}\n") })
    }

    private func check(_ text: String, is expected: String, line: UInt = #line) {
        let written = written { $0.info("m", ["value": .text(text)]) }.joined()
        XCTAssertTrue(written.hasSuffix(#","value":"\#(expected)"}"# + "\n"), written, line: line)
        XCTAssertEqual(written.filter { $0 == "\n" }.count, 1, line: line)
    }

    private func written(level: Log.Level = .debug, _ body: (Log) -> Void) -> [String] {
        let lines = Lines()
        body(Log("test", level: level, to: LogSink { lines.append($0) }))
        return lines.all
    }
}

private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func append(_ bytes: [UInt8]) {
        lines.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
    }
}
