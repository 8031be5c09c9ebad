import JSON
import Models
import XCTest

@testable import Worker

/// The worker reads an incident before it changes it, and leaves a change out that is not due.
final class IncidentUpdateTests: XCTestCase {
    func testOnlyATriggeredIncidentIsAcknowledged() {
        check(.acknowledge, on: ["status": "triggered"], nil)
        check(.acknowledge, on: ["status": "acknowledged"], "the incident is acknowledged")
        check(.acknowledge, on: ["status": "resolved"], "the incident is resolved")
        check(.acknowledge, on: [:], "the incident is unknown")
    }

    func testAnIncidentIsResolvedUnlessItIs() {
        check(.resolve(resolution: "r"), on: ["status": "triggered"], nil)
        check(.resolve(resolution: nil), on: ["status": "acknowledged"], nil)
        check(.resolve(resolution: nil), on: [:], nil)
        check(.resolve(resolution: nil), on: ["status": "resolved"], "the incident is resolved")
    }

    func testAPriorityIsSetUnlessItIsTheSame() {
        check(.setPriority("P1"), on: [:], nil)
        check(.setPriority("P1"), on: ["priority": .null], nil)
        check(.setPriority("P1"), on: ["priority": ["id": "P2"]], nil)
        check(.setPriority("P1"), on: ["priority": ["id": "P1"]], "the incident has this priority")
    }

    func testAnIncidentIsReassignedUnlessItIsResolvedOrAssignedSo() {
        let users = IncidentUpdate.reassign(.users(["A", "B"]))
        func assigned(_ ids: String..., status: JSON = "triggered") -> JSON {
            [
                "status": status,
                "assignments": .array(ids.map { ["assignee": ["id": .string($0)]] }),
            ]
        }
        check(users, on: assigned(), nil)
        check(users, on: assigned("A"), nil)
        check(users, on: assigned("A", "B", "C"), nil)
        check(users, on: assigned("B", "A"), "the incident is with these users")
        check(users, on: assigned("C", status: "resolved"), "the incident is resolved")
        let policy = IncidentUpdate.reassign(.escalationPolicy("E"))
        check(policy, on: ["escalation_policy": ["id": "F"]], nil)
        check(policy, on: ["escalation_policy": ["id": "E"]], "the incident is with this policy")
        check(
            policy, on: ["escalation_policy": ["id": "F"], "status": "resolved"],
            "the incident is resolved")
    }

    private func check(
        _ update: IncidentUpdate, on incident: JSON, _ reason: String?, line: UInt = #line
    ) {
        var told = incident.object ?? JSONObject()
        told["id"] = "Q1"
        guard let incident = Incident(JSON.object(told)) else {
            return XCTFail("no incident", line: line)
        }
        XCTAssertEqual(update.reasonNotDue(on: incident), reason, line: line)
    }
}
