import Runtime
import XCTest

@testable import Worker

final class WorkerConfigurationTests: XCTestCase {
    func testEveryProblemIsReportedAndNoSecretIsRepeated() {
        func check(_ variables: [String: String], _ expected: [String], line: UInt = #line) {
            XCTAssertThrowsError(try WorkerConfiguration.read(variables), line: line) { error in
                XCTAssertEqual((error as? ConfigurationProblems)?.lines, expected, line: line)
            }
        }
        check([:], ["LIAISON_DATABASE_URL is missing", "LIAISON_MASTER_KEY is missing"])
        check(
            ["LIAISON_DATABASE_URL": "s3cret=1", "LIAISON_MASTER_KEY": "s3cret"],
            [
                "LIAISON_DATABASE_URL is no connection string of PostgreSQL",
                "LIAISON_MASTER_KEY must be 32 bytes, in Base64 or as 64 hexadecimal digits",
            ])
    }
}
