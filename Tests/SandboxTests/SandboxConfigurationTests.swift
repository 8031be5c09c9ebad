import XCTest

@testable import Sandbox

final class SandboxConfigurationTests: XCTestCase {
    func testDefaultsAreThoseOfTheDemo() throws {
        let configuration = try SandboxConfiguration(environment: ["PATH": "/bin"])
        XCTAssertEqual(configuration.pagerDutyPort, 7481)
        XCTAssertEqual(configuration.salesforcePort, 7482)
        XCTAssertNil(configuration.options.salesforce.publicKeyPEM)
    }

    func testEveryProblemIsToldAtOnce() {
        XCTAssertThrowsError(
            try SandboxConfiguration(environment: [
                "LIAISON_SANDBOX_PAGERDUTY_PORT": "70000", "LIAISON_SANDBOX_PROT": "1",
                "LIAISON_DATABASE_URL": "another process's",
            ])
        ) { error in
            XCTAssertEqual("\(error)".split(separator: "\n").count, 2, "\(error)")
        }
    }
}
