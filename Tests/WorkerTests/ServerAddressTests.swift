import Connectors
import JSON
import Models
import TestSupport
import XCTest

/// The configuration accepts exactly the vendor addresses that can be called.
final class ServerAddressTests: XCTestCase {
    func testAnAddressThatIsAcceptedCanBeCalled() throws {
        let parts = [
            "https://", "http://", "HTTPS://", "a", "Api.example.com", ".", "-", "_", ":", ":443",
            ":0", "/", "@", "?", "#", "[", "]", "::1", "[::1]", "127.0.0.1", "localhost", " ", "é",
        ]
        var dice = SplitMix64(seed: 5)
        var accepted = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...4, using: &dice)
            let text = (0..<count).map { _ in parts.randomElement(using: &dice) ?? "" }.joined()
            let origin = ServerOrigin(text)
            let isCallable = origin.map { $0.isSecure || $0.isLoopback } ?? false
            XCTAssertEqual(Self.isAccepted(text), isCallable, text)
            accepted += isCallable ? 1 : 0
        }
        XCTAssertGreaterThan(accepted, 100)
    }

    private static func isAccepted(_ url: String) -> Bool {
        let problems = JSONProblems()
        let document: JSON = ["connections": [["id": "a", "pagerDuty": ["apiURL": .string(url)]]]]
        _ = Configuration(
            reading: JSONReader(document, problems: problems), secrets: { _ in nil },
            patternProblem: { _ in nil })
        return !problems.all.contains { $0.pointer == "/connections/0/pagerDuty/apiURL" }
    }
}
