import Foundation
import XCTest

final class TestTimesTests: XCTestCase {
    func testTheSlowestTestsAndTheTimeOfEachTargetAreTold() throws {
        let log = FileManager.default.temporaryDirectory
            .appendingPathComponent("liaison-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: log) }
        let name = "TestTimesTests.testTheSlowestTestsAndTheTimeOfEachTargetAreTold"
        try Data(
            """
            Test Case '\(name)' started at 2026-01-01 00:00:00.000
            Test Case '\(name)' passed (0.125 seconds)
            a line of a program: Test Case 'Gone.testMoved' failed (61.5 seconds)
            Executed 2 tests, with 1 failure (0 unexpected) in 61.625 (61.625) seconds

            """.utf8
        ).write(to: log)
        let script = SourceTree.shared.root.appendingPathComponent("deploy/test-times")
        XCTAssertEqual(
            try ScriptProcess(script, [log.path]).output,
            """
            Slowest tests:
               61.500 s  Gone.testMoved
                0.125 s  \(name)
            Time of each target:
               61.500 s  other, 1 tests
                0.125 s  TidyTests, 1 tests

            """)
    }
}
