import Crypto
import HTTP
import JSON
import XCTest

@testable import Sandbox

final class PagerDutyWebhookTests: XCTestCase {
    private var sandbox = DirectSandbox()
    private let secret = "sandboxSecretSandboxSecretSandboxSecretSandboxSecretSandboxSecre"

    override func setUp() {
        sandbox = DirectSandbox()
        sandbox.control(
            "POST", "/_sandbox/pagerduty/subscriptions",
            ["url": "http://ingest/pagerduty/main", "secret": .string(secret)])
    }

    private var subscriptionID: String { sandbox.state.pagerDuty.subscriptions[0].id }

    func testEventsOfWhatPeopleDo() {
        let id = sandbox.act("trigger", ["title": "Down"])["id"] ?? .null
        let other = sandbox.act("trigger", ["title": "Also down"])["id"] ?? .null
        _ = sandbox.deliverAll()
        func check(
            _ what: String, _ expected: [String], _ details: KeyValuePairs<String, JSON> = [:],
            line: UInt = #line
        ) {
            sandbox.act(what, JSON.object(["incident": id]).with(details), line: line)
            XCTAssertEqual(
                sandbox.deliverAll().map(\.eventType), expected.map { "incident.\($0)" }, line: line
            )
        }
        check("acknowledge", ["acknowledged"])
        check("unacknowledge", ["unacknowledged"])
        check("reassign", ["reassigned"], ["to": ["ben@example.com"]])
        check("escalate", ["escalated"])
        check("delegate", ["delegated"], ["policy": "PEPPLAT"])
        check("priority", ["priority_updated"], ["priority": "P1"])
        check("priority", [], ["priority": "P1"])
        check("title", [], ["title": "Still down"])
        check("urgency", [], ["urgency": "low"])
        check("service", ["service_updated"], ["service": "PSVSRCH"])
        check("type", ["incident_type.changed"], ["type": "major_default"])
        check("note", ["annotated"], ["text": "hm"])
        check("status_update", ["status_update_published"], ["message": "We look"])
        check("responders", ["responder.added"], ["users": ["PBEN002"]])
        check("bridge", ["conference_bridge.updated"], ["url": "https://meet.example"])
        check("workflow", ["workflow.started", "workflow.completed"], ["workflow": "PWFMAJR"])
        check("resolve", ["resolved", "annotated"], ["note": "fixed"])
        check("reopen", ["reopened"])
        check("resolve", ["annotated", "resolved"], ["note": "fixed", "noteFirst": true])
        check("acknowledge", ["reopened", "acknowledged"])
        check("merge", ["resolved"], ["into": other])
    }

    func testAnEventIsWhole() throws {
        let incident = sandbox.act("trigger", ["title": "Down", "as": "ben@example.com"])
        let sent = try XCTUnwrap(sandbox.deliver().first)
        let event = try XCTUnwrap(sent.json["event"])
        XCTAssertEqual(
            event.object?.keys,
            ["id", "event_type", "resource_type", "occurred_at", "agent", "client", "data"])
        XCTAssertEqual(event["occurred_at"], "2026-03-02T09:15:04.250Z")
        XCTAssertEqual(event["agent"]?["summary"], "Ben Marrow")
        XCTAssertEqual(event["agent"]?["type"], "user_reference")
        XCTAssertEqual(event["client"], .null)
        let data = try XCTUnwrap(event["data"])
        XCTAssertEqual(data["id"], incident["id"])
        XCTAssertEqual(data["created_at"], "2026-03-02T09:15:04Z")
        XCTAssertEqual(data["service"]?["summary"], "Checkout")
        XCTAssertEqual(data["assignees"]?[0]?["id"], "PADA001")
        XCTAssertEqual(data["priority"], .null)
        XCTAssertNil(data["description"])
    }

    func testHeadersAndSignature() throws {
        sandbox.act("trigger", ["title": "Ünïcode 🔥"])
        let request = try XCTUnwrap(sandbox.deliver().first?.request)
        XCTAssertEqual(request.headers["User-Agent"], "PagerDuty-Webhook/V3.0")
        XCTAssertEqual(request.headers["X-Webhook-Subscription"], subscriptionID)
        XCTAssertEqual(request.headers["X-Webhook-Id"]?.count, 36)
        let code = HMACSHA256.authenticationCode(key: Array(secret.utf8), message: request.body)
        XCTAssertEqual(request.headers["X-PagerDuty-Signature"], "v1=\(Hex.encode(code))")
    }

    func testShapesBesidesIncidents() {
        let id = sandbox.act("trigger", ["title": "Down"])["id"] ?? .null
        _ = sandbox.deliverAll()
        func data(_ what: String, _ details: KeyValuePairs<String, JSON>) -> JSON {
            sandbox.act(what, JSON.object(["incident": id]).with(details))
            return sandbox.deliver()[0].json["event"]?["data"] ?? .null
        }
        let note = data("note", ["text": "hello"])
        XCTAssertEqual(note["type"], "incident_note")
        XCTAssertEqual(note["content"], "hello")
        XCTAssertEqual(note["trimmed"], false)
        XCTAssertEqual(note["incident"]?["id"], id)
        XCTAssertEqual(note["incident"]?["summary"], "Down")
        let long = String(repeating: "x", count: SandboxPagerDuty.noteCharactersMax + 1)
        XCTAssertEqual(data("note", ["text": .string(long)])["trimmed"], true)
        let workflow = data("workflow", ["workflow": "PWFMAJR"])
        XCTAssertEqual(workflow["incident_workflow"]?["id"], "PWFMAJR")
        XCTAssertEqual(workflow["incident"]?["id"], id)
    }

    func testMergeNamesItsTarget() {
        let a = sandbox.act("trigger", ["title": "A"])["id"] ?? .null
        let b = sandbox.act("trigger", ["title": "B"])["id"] ?? .null
        _ = sandbox.deliverAll()
        sandbox.act("merge", ["incident": b, "into": a])
        let reason = sandbox.deliver()[0].json["event"]?["data"]?["resolve_reason"]
        XCTAssertEqual(reason?["type"], "merge_resolve_reason")
        XCTAssertEqual(reason?["incident"]?["id"], a)
    }

    func testEventsAPIHasNoKeyAndAnIntegrationForAgent() {
        sandbox.act("trigger", ["title": "Probe", "as": "events_api", "key": "probe-1"])
        let event = sandbox.deliver()[0].json["event"]
        XCTAssertEqual(event?["data"]?["incident_key"], .null)
        XCTAssertEqual(event?["agent"]?["type"], "inbound_integration_reference")
    }

    func testOurOwnCallsAreToldToo() {
        sandbox.pagerDuty(
            "POST", "/incidents",
            [
                "incident": [
                    "title": "Ours", "service": ["id": "PSVCHK1"],
                    "assignments": [["assignee": ["id": "PINTEG7"]]],
                ]
            ])
        let sent = sandbox.deliverAll()
        XCTAssertEqual(sent.map(\.eventType), ["incident.triggered", "incident.acknowledged"])
        XCTAssertEqual(sent[0].json["event"]?["agent"]?["id"], "PINTEG7")
    }

    func testFiltersAndSelection() {
        func subscribe(_ filter: JSON, _ events: JSON) {
            sandbox.control(
                "POST", "/_sandbox/pagerduty/subscriptions",
                ["url": "http://h/", "filter": filter, "events": events])
        }
        subscribe(["type": "service_reference", "id": "PSVDB01"], ["incident.triggered"])
        subscribe(["type": "team_reference", "id": "PTEAM01"], ["incident.resolved"])
        let ids = sandbox.state.pagerDuty.subscriptions.map(\.id)
        func check(_ service: String, _ expected: [Int], line: UInt = #line) {
            let id = sandbox.act("trigger", ["title": "T", "service": .string(service)])["id"]
            sandbox.act("resolve", ["incident": id ?? .null])
            let got = sandbox.deliverAll().compactMap {
                $0.request.headers["X-Webhook-Subscription"]
            }
            XCTAssertEqual(got.sorted(), expected.map { ids[$0] }.sorted(), line: line)
        }
        check("PSVDB01", [0, 0, 1])
        check("PSVCHK1", [0, 0, 2])
    }

    func testV2Messages() {
        sandbox.control("DELETE", "/_sandbox/pagerduty/keys/none")
        sandbox.control(
            "POST", "/_sandbox/pagerduty/extensions",
            ["url": "http://ingest/v2", "headers": ["X-Liaison-Token": "t0ken"]])
        let id = sandbox.act("trigger", ["title": "Down"])["id"] ?? .null
        sandbox.act("acknowledge", ["incident": id])
        sandbox.act("note", ["incident": id, "text": "hm"])
        sandbox.act("priority", ["incident": id, "priority": "P1"])
        let sent = sandbox.deliverAll().filter { $0.request.url == "http://ingest/v2" }
        XCTAssertEqual(
            sent.map { $0.message["event"]?.string },
            ["incident.trigger", "incident.acknowledge", "incident.assign", "incident.annotate"])
        let request = sent[0].request
        XCTAssertEqual(request.headers["X-Liaison-Token"], "t0ken")
        XCTAssertEqual(request.headers["User-Agent"], "PagerDuty-Webhook/V2.0")
        XCTAssertNil(request.headers["X-PagerDuty-Signature"])
        let message = sent[0].message
        XCTAssertEqual(message["incident"]?["service"]?["name"], "Checkout")
        XCTAssertEqual(message["incident"]?["incident_number"], 1)
        XCTAssertEqual(message["log_entries"]?[0]?["type"], "trigger_log_entry")
        XCTAssertEqual(sent[2].message["log_entries"]?[0]?["channel"]?["type"], "auto")
        XCTAssertEqual(sent[3].message["log_entries"]?[0]?["channel"]?["content"], "hm")
    }

    func testCustomActionIsToldToItsOwnEndpointOnly() {
        let made = sandbox.control(
            "POST", "/_sandbox/pagerduty/extensions",
            ["url": "http://ingest/custom", "name": "Open a case", "custom": true])
        let button = made.body["extension"]?["id"] ?? .null
        let id = sandbox.act("trigger", ["title": "Down"])["id"] ?? .null
        _ = sandbox.deliverAll()
        sandbox.act(
            "custom_action", ["incident": id, "extension": button, "as": "cleo@example.com"])
        let sent = sandbox.deliverAll()
        XCTAssertEqual(sent.map(\.request.url), ["http://ingest/custom"])
        XCTAssertEqual(sent[0].request.timeout, .seconds(16))
        let message = sent[0].message
        XCTAssertEqual(message["event"], "incident.custom")
        XCTAssertEqual(message["log_entries"]?[0]?["type"], "custom_log_entry")
        XCTAssertEqual(message["log_entries"]?[0]?["channel"]?["name"], "Open a case")
        XCTAssertEqual(message["log_entries"]?[0]?["agent"]?["id"], "PCLEO03")
        XCTAssertEqual(message["webhook"]?["id"], button)
    }

    func testOneIncidentIsInOrderAndOthersDoNotWait() {
        let a = sandbox.act("trigger", ["title": "A"])["id"] ?? .null
        sandbox.act("acknowledge", ["incident": a])
        sandbox.act("trigger", ["title": "B"])
        XCTAssertEqual(
            sandbox.deliver(503).map(\.eventType), Array(repeating: "incident.triggered", count: 2))
        XCTAssertEqual(sandbox.deliver().count, 0, "both pause")
        sandbox.advance(1)
        let second = sandbox.deliver()
        XCTAssertEqual(second.count, 2)
        XCTAssertEqual(sandbox.deliver().map(\.eventType), ["incident.acknowledged"])
        XCTAssertTrue(sandbox.state.outbox.isEmpty)
    }

    func testARetryIsTheSameWebhook() {
        sandbox.act("trigger", ["title": "A"])
        let first = sandbox.deliver(500)[0].request
        sandbox.advance(1)
        let second = sandbox.deliver(429)[0].request
        sandbox.advance(1)
        XCTAssertEqual(sandbox.deliver().count, 0, "the pause doubles")
        sandbox.advance(1)
        let third = sandbox.deliver()[0].request
        XCTAssertEqual(Set([first, second, third].map { $0.headers["X-Webhook-Id"] }).count, 1)
        XCTAssertEqual(Set([first, second, third].map(\.body)).count, 1)
    }

    func testThreeDropsInARowSwitchOffForADay() {
        func trigger() { sandbox.act("trigger", ["title": "A"]) }
        func isDisabled() -> JSON? {
            sandbox.pagerDuty("GET", "/webhook_subscriptions/\(subscriptionID)")
                .body["webhook_subscription"]?["delivery_method"]?["temporarily_disabled"]
        }
        trigger()
        trigger()
        XCTAssertEqual(sandbox.deliver(404).count, 2)
        trigger()
        XCTAssertEqual(sandbox.deliver(202).count, 1, "a success begins the count anew")
        for _ in 0..<3 { trigger() }
        XCTAssertEqual(isDisabled(), false)
        XCTAssertEqual(sandbox.deliver(401).count, 3)
        XCTAssertEqual(isDisabled(), true)
        trigger()
        XCTAssertEqual(sandbox.deliver().count, 0, "nothing is queued")
        sandbox.advance(86_401)
        trigger()
        XCTAssertEqual(sandbox.deliver(400).count, 1)
        trigger()
        trigger()
        _ = sandbox.deliver(400)
        sandbox.pagerDuty("POST", "/webhook_subscriptions/\(subscriptionID)/enable")
        trigger()
        XCTAssertEqual(sandbox.deliver().count, 1)
    }

    func testAfterTwoDaysARetryIsDropped() {
        sandbox.act("trigger", ["title": "A"])
        _ = sandbox.deliver(500)
        sandbox.advance(48 * 3_600)
        _ = sandbox.deliver(500)
        XCTAssertTrue(sandbox.state.outbox.isEmpty)
    }

    func testSecretIsShownOnce() {
        let made = sandbox.pagerDuty("POST", "/webhook_subscriptions", Self.subscription())
        XCTAssertEqual(made.status, 200)
        let method = made.body["webhook_subscription"]?["delivery_method"]
        XCTAssertEqual(method?["secret"]?.string?.count, 64)
        let id = made.body["webhook_subscription"]?["id"]?.string ?? ""
        let read = sandbox.pagerDuty("GET", "/webhook_subscriptions/\(id)")
            .body["webhook_subscription"]?["delivery_method"]
        XCTAssertEqual(read?["secret"], .null)
        XCTAssertEqual(read?["custom_headers"]?[0]?["value"], "-- redacted --")
    }

    func testSubscriptionsAreCheckedAndLimited() {
        func check(_ expected: String, _ part: KeyValuePairs<String, JSON>, line: UInt = #line) {
            let answer = sandbox.pagerDuty(
                "POST", "/webhook_subscriptions", Self.subscription(part))
            XCTAssertEqual("\(answer.status)/\(answer.code ?? "")", expected, line: line)
        }
        check("400/2001", ["events": []])
        check("400/2001", ["events": ["incident.triggered", "incident.triggered"]])
        check("400/2001", ["events": ["incident.exploded"]])
        check("400/2001", ["filter": ["type": "service_reference"]])
        check("400/2001", ["delivery_method": ["type": "http_delivery_method"]])
        for _ in 0..<9 { check("200/", [:]) }
        check("400/2019", [:])
        check("200/", ["filter": ["type": "service_reference", "id": "PSVCHK1"]])
    }

    func testPing() {
        let answer = sandbox.pagerDuty("POST", "/webhook_subscriptions/\(subscriptionID)/ping")
        XCTAssertEqual(answer.status, 202)
        let event = sandbox.deliver()[0].json["event"]
        XCTAssertEqual(event?["event_type"], "pagey.ping")
        XCTAssertEqual(event?["resource_type"], "pagey")
        XCTAssertEqual(event?["data"]?["type"], "ping")
    }

    private static func subscription(_ part: KeyValuePairs<String, JSON> = [:]) -> JSON {
        let basic: JSON = [
            "type": "webhook_subscription", "events": ["incident.triggered"],
            "filter": ["type": "account_reference"],
            "delivery_method": [
                "type": "http_delivery_method", "url": "http://h/",
                "custom_headers": [["name": "X-A", "value": "b"]],
            ],
        ]
        return ["webhook_subscription": basic.with(part)]
    }
}
