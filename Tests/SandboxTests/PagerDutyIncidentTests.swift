import JSON
import XCTest

@testable import Sandbox

final class PagerDutyIncidentTests: XCTestCase {
    private var sandbox = DirectSandbox()

    override func setUp() { sandbox = DirectSandbox() }

    private func wish(_ more: KeyValuePairs<String, JSON> = [:]) -> JSON {
        let basic: JSON = [
            "type": "incident", "title": "Checkout is slow",
            "service": ["id": "PSVCHK1", "type": "service_reference"],
        ]
        return ["incident": basic.with(more)]
    }

    @discardableResult
    private func create(_ more: KeyValuePairs<String, JSON> = [:], line: UInt = #line) -> JSON {
        let answer = sandbox.pagerDuty("POST", "/incidents", wish(more))
        XCTAssertEqual(answer.status, 201, "\(answer.body)", line: line)
        return answer.body["incident"] ?? .null
    }

    private func update(_ incident: JSON, _ part: JSON) -> DirectSandbox.Answer {
        sandbox.pagerDuty(
            "PUT", "/incidents/\(incident["id"]?.string ?? "")", ["incident": part])
    }

    func testCredentialsAndAuthor() {
        func check(
            _ expected: String, key: String = "u+SandboxAccountKey1",
            from: String? = "liaison@example.com", line: UInt = #line
        ) {
            let answer = sandbox.pagerDuty("POST", "/incidents", wish(), key: key, from: from)
            XCTAssertEqual("\(answer.status)/\(answer.code ?? "")", expected, line: line)
        }
        check("401/2006", key: "nonsense")
        check("403/2010", key: "u+SandboxReadOnly001")
        check("400/2016", from: nil)
        check("400/1028", from: "liaison")
        check("400/1008", from: "unknown@example.com")
        check("201/")
        check("201/", key: "u+SandboxUserKey0001", from: nil)
    }

    func testUsersMeTellsTheKindOfKey() {
        let account = sandbox.pagerDuty("GET", "/users/me")
        XCTAssertEqual(account.status, 400)
        XCTAssertEqual(
            account.body["error"]?.string?.contains("account-level access token"), true)
        let user = sandbox.pagerDuty("GET", "/users/me", key: "u+SandboxUserKey0001")
        XCTAssertEqual(user.body["user"]?["email"], "liaison@example.com")
    }

    func testRefusedCreations() {
        func check(_ expected: String, _ body: JSON, line: UInt = #line) {
            let answer = sandbox.pagerDuty("POST", "/incidents", body)
            let errors = answer.body["error"]?["errors"]?[0]?.string ?? ""
            XCTAssertEqual("\(answer.status)/\(answer.code ?? "") \(errors)", expected, line: line)
        }
        check("400/2001 params must be a Hash", ["title": "not wrapped"])
        check("400/2001 Title cannot be empty.", wish(["title": ""]))
        check("400/2002 Service not found", wish(["service": ["id": "PNOTHIN"]]))
        check("400/1020 ", wish(["priority": ["id": "PNOTHIN"]]))
        check("400/1014 ", wish(["escalation_policy": ["id": "PNOTHIN"]]))
        check("400/1007 ", wish(["assignments": [["assignee": ["id": "PNOTHIN"]]]]))
        check("400/2001 Body details must be a string.", wish(["body": ["details": ["a": 1]]]))
        check("400/2001 Urgency must be high or low.", wish(["urgency": "medium"]))
        check(
            "400/2001 Cannot specify both an escalation policy and assignments.",
            wish([
                "escalation_policy": ["id": "PEPSTOR"],
                "assignments": [["assignee": ["id": "PADA001"]]],
            ]))
        XCTAssertEqual(sandbox.state.pagerDuty.incidents.count, 0)
    }

    func testOpenKeyIsUniqueWithinItsService() {
        let first = create(["incident_key": "k"])
        let again = sandbox.pagerDuty("POST", "/incidents", wish(["incident_key": "k"]))
        XCTAssertEqual(again.status, 400)
        XCTAssertEqual(
            again.body["error"],
            [
                "message": "Arguments Caused Error", "code": 2002,
                "errors": ["Open incident with matching dedup key already exists on this service"],
            ])
        create(["incident_key": "k", "service": ["id": "PSVSRCH"]])
        XCTAssertEqual(update(first, ["status": "resolved"]).status, 200)
        create(["incident_key": "k"])
        XCTAssertEqual(update(first, ["status": "triggered"]).code, "2002", "its key is taken")
    }

    func testAssigneeWhoIsTheAuthorMakesItAcknowledged() {
        let mine = create(["assignments": [["assignee": ["id": "PINTEG7"]]]])
        XCTAssertEqual(mine["status"], "acknowledged")
        let others = create(["assignments": [["assignee": ["id": "PBEN002"]]]])
        XCTAssertEqual(others["status"], "triggered")
        XCTAssertEqual(others["assigned_via"], "direct_assignment")
        let nobodys = create()
        XCTAssertEqual(nobodys["assignments"]?[0]?["assignee"]?["id"], "PADA001")
    }

    func testStatusChanges() {
        /// A status, a change, and the status or error that follows.
        func check(
            _ from: String, _ change: String, _ expected: String, line: UInt = #line
        ) {
            sandbox = DirectSandbox()
            let incident = create()
            if from != "triggered" { _ = update(incident, ["status": .string(from)]) }
            let answer = update(incident, ["status": .string(change)])
            let status = answer.body["incident"]?["status"]?.string ?? answer.code
            XCTAssertEqual(status, expected, line: line)
        }
        check("triggered", "triggered", "triggered")
        check("triggered", "acknowledged", "acknowledged")
        check("triggered", "resolved", "resolved")
        check("acknowledged", "triggered", "triggered")
        check("acknowledged", "acknowledged", "1002")
        check("acknowledged", "resolved", "resolved")
        check("resolved", "triggered", "triggered")
        check("resolved", "acknowledged", "acknowledged")
        check("resolved", "resolved", "1001")
        check("triggered", "closed", "2001")
    }

    func testAcknowledgingTakesTheIncidentOver() {
        let changed = update(create(), ["status": "acknowledged"]).body["incident"]
        XCTAssertEqual(changed?["assignments"]?[0]?["assignee"]?["id"], "PINTEG7")
        XCTAssertEqual(changed?["acknowledgements"]?[0]?["acknowledger"]?["id"], "PINTEG7")
    }

    func testOtherChanges() {
        func check(_ part: JSON, _ member: String, _ expected: JSON, line: UInt = #line) {
            let answer = update(create(), part)
            let found = answer.body["incident"]?[member] ?? JSON(answer.code)
            XCTAssertEqual(found.present("id") ?? found, expected, line: line)
        }
        check(["title": "New"], "title", "New")
        check(["urgency": "low"], "urgency", "low")
        check(["priority": ["id": "PPRIO02"]], "priority", "PPRIO02")
        check(["priority": "P3"], "priority", "PPRIO03")
        check(["priority": "P9"], "priority", "1020")
        check(["priority": .null], "priority", .null)
        check(["escalation_policy": ["id": "PEPPLAT"]], "escalation_policy", "PEPPLAT")
        check(["service": ["id": "PSVDB01"]], "service", "PSVDB01")
        check(["escalation_level": 2], "assigned_via", "escalation_policy")
        check(["escalation_level": 3], "", "1006")
        check(["urgency": "low", "escalation_level": 2], "", "1006")
        check(["assignments": [["assignee": ["id": "PNOBODY"]]]], "", "1007")
        check(
            ["status": "resolved", "escalation_policy": ["id": "PEPPLAT"]], "status", "resolved")
        let resolved = create()
        _ = update(resolved, ["status": "resolved"])
        XCTAssertEqual(update(resolved, ["escalation_policy": ["id": "PEPPLAT"]]).code, "1011")
    }

    func testARefusedChangeLeavesNothingBehind() {
        let incident = create()
        sandbox.control("POST", "/_sandbox/pagerduty/subscriptions", ["url": "http://h/"])
        let answer = update(
            incident, ["title": "Changed", "priority": "P1", "escalation_level": 9])
        XCTAssertEqual(answer.code, "1006")
        let after = sandbox.state.pagerDuty.incidents.values.first
        XCTAssertEqual(after?.title, "Checkout is slow")
        XCTAssertNil(after?.priorityID)
        XCTAssertEqual(sandbox.deliver().count, 0)
    }

    func testBulkIsAllOrNothing() {
        let ids = (0..<3).map { _ in create()["id"] ?? .null }
        func put(_ ids: [JSON]) -> DirectSandbox.Answer {
            sandbox.pagerDuty(
                "PUT", "/incidents",
                ["incidents": .array(ids.map { ["id": $0, "status": "acknowledged"] })])
        }
        XCTAssertEqual(put(ids + ["PNOTHIN"]).status, 404)
        XCTAssertTrue(
            sandbox.state.pagerDuty.incidents.values.allSatisfy { $0.status == .triggered })
        XCTAssertEqual(put(ids).body["incidents"]?.array?.count, 3)
        XCTAssertEqual(put(Array(repeating: "Q", count: 251)).status, 413)
    }

    func testListNarrows() {
        let old = create(["incident_key": "old"])
        sandbox.advance(40 * 86_400)
        create(["incident_key": "new", "service": ["id": "PSVDB01"]])
        _ = update(old, ["status": "acknowledged"])
        func check(_ query: String, _ expected: [String], line: UInt = #line) {
            let answer = sandbox.pagerDuty("GET", "/incidents?\(query)")
            let keys = answer.body["incidents"]?.array?.compactMap { $0["incident_key"]?.string }
            XCTAssertEqual(keys ?? [answer.code ?? ""], expected, line: line)
        }
        check("", ["new"])
        check("date_range=all", ["old", "new"])
        check("date_range=all&sort_by=created_at:desc", ["new", "old"])
        check("incident_key=old", [])
        check("incident_key=old&date_range=all", ["old"])
        check("incident_key=&date_range=all", ["old", "new"])
        check("date_range=all&statuses[]=acknowledged", ["old"])
        check("date_range=all&statuses[]=acknowledged&statuses[]=triggered", ["old", "new"])
        check("date_range=all&service_ids[]=PSVDB01", ["new"])
        check("date_range=all&limit=1", ["old"])
        check("date_range=all&limit=1&offset=1", ["new"])
        check("limit=100&offset=9901", ["2001"])
    }

    func testNotes() {
        let id = create()["id"]?.string ?? ""
        let note = sandbox.pagerDuty("POST", "/incidents/\(id)/notes", ["note": ["content": "hi"]])
        XCTAssertEqual(note.status, 200)
        XCTAssertEqual(note.body["note"]?["user"]?["id"], "PINTEG7")
        let empty = sandbox.pagerDuty("POST", "/incidents/\(id)/notes", ["note": [:]])
        XCTAssertEqual(empty.code, "2001")
        for _ in 1..<SandboxPagerDuty.notesMax {
            sandbox.advance(1)
            sandbox.pagerDuty("POST", "/incidents/\(id)/notes", ["note": ["content": "more"]])
        }
        let list = sandbox.pagerDuty("GET", "/incidents/\(id)/notes").body["notes"]?.array
        XCTAssertEqual(list?.count, SandboxPagerDuty.notesMax)
        let full = sandbox.pagerDuty("POST", "/incidents/\(id)/notes", ["note": ["content": "x"]])
        XCTAssertEqual(full.code, "2019")
    }

    func testWorkflowsPlaysAndResponders() {
        let id = create()["id"] ?? .null
        let reference: JSON = ["incident": ["id": id, "type": "incident_reference"]]
        func check(
            _ path: String, _ body: JSON, _ expected: String, from: String? = nil,
            line: UInt = #line
        ) {
            let answer = sandbox.pagerDuty("POST", path, body, from: from)
            XCTAssertEqual("\(answer.status)/\(answer.code ?? "")", expected, line: line)
        }
        let instance: JSON = ["incident_workflow_instance": reference]
        check("/incident_workflows/PWFMAJR/instances", instance, "201/")
        check("/incident_workflows/PWFOLD1/instances", instance, "400/2001")
        check("/incident_workflows/PNOTHIN/instances", instance, "404/2100")
        check("/response_plays/PPLAY01/run", reference, "400/2016")
        check("/response_plays/PPLAY01/run", reference, "200/", from: "liaison@example.com")
        let path = "/incidents/\(id.string ?? "")/responder_requests"
        let target: JSON = [
            "responder_request_target": ["id": "PBEN002", "type": "user_reference"]
        ]
        check(path, ["responder_request_targets": [target]], "400/2001")
        check(
            path, ["requester_id": "PINTEG7", "responder_request_targets": [target]], "200/")
        sandbox.control("PUT", "/_sandbox/pagerduty/abilities", ["abilities": ["teams"]])
        check("/incident_workflows/PWFMAJR/instances", instance, "402/2014")
        check(path, ["requester_id": "PINTEG7"], "402/2014")
        XCTAssertEqual(sandbox.pagerDuty("GET", "/priorities").status, 402)
    }

    func testMergeResolvesTheSources() {
        let (a, b) = (create(), create())
        let answer = sandbox.pagerDuty(
            "PUT", "/incidents/\(a["id"]?.string ?? "")/merge",
            ["source_incidents": [["id": b["id"] ?? .null]]])
        XCTAssertEqual(answer.status, 200)
        let merged = sandbox.pagerDuty("GET", "/incidents/2").body["incident"]
        XCTAssertEqual(merged?["status"], "resolved")
        XCTAssertEqual(merged?["resolve_reason"]?["incident"]?["id"], a["id"])
    }

    func testRateLimit() {
        var options = SandboxOptions()
        options.pagerDuty.callsPerMinuteMax = 2
        sandbox = DirectSandbox(options)
        func check(_ status: Int, _ remaining: String, _ reset: String, line: UInt = #line) {
            let answer = sandbox.pagerDuty("GET", "/abilities")
            XCTAssertEqual(answer.status, status, line: line)
            XCTAssertEqual(answer.headers["ratelimit-limit"], "2", line: line)
            XCTAssertEqual(answer.headers["ratelimit-remaining"], remaining, line: line)
            XCTAssertEqual(answer.headers["ratelimit-reset"], reset, line: line)
            if status == 429 { XCTAssertEqual(answer.code, "2020", line: line) }
        }
        check(200, "1", "60")
        sandbox.advance(20)
        check(200, "0", "40")
        check(429, "0", "40")
        sandbox.advance(40)
        check(200, "1", "60")
        let other = sandbox.pagerDuty("GET", "/abilities", key: "u+SandboxReadOnly001")
        XCTAssertEqual(other.headers["ratelimit-remaining"], "1", "each key has its own")
    }
}
