import Runtime
import XCTest

final class JitterTests: XCTestCase {
    func testADurationIsDrawnFromTheWholeRange() {
        let range = Duration.seconds(2) ... .seconds(6)
        let rows: [(unit: Double, expected: Duration)] = [
            (0, .seconds(2)), (0.25, .seconds(3)), (0.5, .seconds(4)),
        ]
        for row in rows {
            XCTAssertEqual(Jitter { row.unit }.duration(in: range), row.expected)
        }
        XCTAssertEqual(Jitter { 0.7 }.duration(in: .seconds(1) ... .seconds(1)), .seconds(1))
    }

    func testTheSystemDrawsFromZeroToBelowOne() {
        for _ in 0..<1000 { XCTAssertTrue((0..<1).contains(Jitter.system.unit())) }
    }
}
