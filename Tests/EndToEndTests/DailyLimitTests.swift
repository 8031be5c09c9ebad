import JSON
import Models
import Sandbox
import XCTest

@testable import Worker

/// Salesforce's daily limit of one organisation.
final class DailyLimitTests: XCTestCase {
    func testTheDailyLimitPausesThatOrganisationOnly() async throws {
        try await Rig.running(for: self, .workersOnly) { rig in
            let records = try await rig.cases(2)
            try await rig.applyTwoOrganizations()
            for (connection, record) in zip(["acme", "beta"] as [ConnectionID], records) {
                for number in 0..<20 {
                    try await rig.link(Rig.incident(number), record, of: connection)
                }
                try await rig.append(
                    (0..<20).map { Rig.separateEvent($0, Rig.incident($0), of: connection) })
            }
            await rig.injectFault([
                "vendor": "salesforce", "fault": "dailyLimit", "bodyContains": "acme",
                "times": 1_000_000,
            ])
            try await rig.withWorkers(2) {
                try await rig.untilCount(Rig.blocked, atLeast: 1)
                try await rig.untilSettled(20)
                let others = try await rig.number(
                    """
                    SELECT count(*) FROM settlement JOIN lane USING (lane_id)
                    JOIN connection ON connection.number = lane.connection
                    WHERE connection.id = 'beta' AND outcome = 'applied'
                    """)
                XCTAssertEqual(others, 20)
                let calls = rig.writeCalls.filter { $0.body.contains("acme") }.count
                XCTAssertLessThanOrEqual(calls, 2, "one of each worker")
                let seconds = try await rig.number(
                    """
                    SELECT extract(epoch FROM blocked_until - now())::int FROM connection
                    WHERE id = 'acme'
                    """)
                XCTAssertEqual(Double(seconds), 900, accuracy: 100)
                await rig.clearFaults()
                try await rig.pass(1000)
                try await rig.untilSettled(40)
            }
            try await rig.checkAllApplied(40)
        }
    }
}
