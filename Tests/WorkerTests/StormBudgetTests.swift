import JSON
import Models
import Sandbox
import XCTest

@testable import Worker

/// Whole workers against an account that counts.
final class StormBudgetTests: XCTestCase {
    private static let noteRule: JSON = [
        [
            "id": "note", "object": "Case", "direction": "incidentChange", "when": ["always": true],
            "actions": [["type": "addNote", "text": "{{incident.title}}"]],
        ]
    ]

    /// The stand-in refuses call 961 of a minute of its clock; nobody ever makes it.
    func testFourWorkersKeepTheLimitOfOneAccountTogether() async throws {
        let events = 1100
        try await StormHouse.running(for: self) { house in
            try await house.apply(try house.connection("acme", .pagerDuty, Self.noteRule))
            let incidents = try await house.incidents(10)
            try await house.append(
                (0..<events).map { house.event($0, incidents[$0 % 10], of: "acme") })
            let began = house.sandbox.clock.milliseconds
            try await house.withWorkers(4) {
                while house.pagerDutyCalls.count < events {
                    let seen = house.sandbox.calls.count
                    try await house.pass(1)
                    // Gives them the time to use that second; how well they do is not judged.
                    _ = await house.sandbox.call(withinSeconds: 0.5) { $0.number >= seen + 14 }
                }
                try await house.untilSettled(events)
            }
            XCTAssertEqual(house.pagerDutyCalls.count, events, "each call once, none too early")
            XCTAssertEqual(Set(house.pagerDutyCalls.map(\.status)), [200])
            let minutes = Double(house.sandbox.clock.milliseconds - began) / 60_000
            XCTAssertGreaterThan(minutes, 1, "more than a minute's limit was made")
            print("minutes", minutes)
            try await house.checkAllApplied(events)
        }
    }
}
