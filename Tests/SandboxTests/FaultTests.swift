import HTTP
import JSON
import XCTest

@testable import Sandbox

final class FaultTests: XCTestCase {
    private var sandbox = DirectSandbox()

    override func setUp() { sandbox = DirectSandbox() }

    private func order(_ fault: String, _ details: KeyValuePairs<String, JSON> = [:]) {
        let wish = JSON.object(["vendor": "salesforce", "fault": .string(fault)]).with(details)
        XCTAssertEqual(sandbox.control("POST", "/_sandbox/faults", wish).status, 201)
    }

    private func create(_ subject: String = "x") -> DirectSandbox.Answer {
        sandbox.salesforce("POST", "/sobjects/Case", ["Subject": .string(subject)])
    }

    private var cases: Int { sandbox.state.salesforce.tables["Case"]?.count ?? 0 }

    func testWhichCallsAreMet() {
        order(
            "status",
            [
                "status": 503, "method": "POST", "path": "/services/data/*/sobjects/Case*",
                "skip": 1, "times": 2, "bodyContains": "boom",
            ])
        func check(_ subject: String, _ status: Int, line: UInt = #line) {
            XCTAssertEqual(create(subject).status, status, line: line)
        }
        check("quiet", 201)
        check("boom", 201)
        XCTAssertEqual(sandbox.salesforce("GET", "/sobjects").status, 200)
        XCTAssertEqual(
            sandbox.salesforce("POST", "/sobjects/Account", ["Name": "boom"]).status, 201)
        check("boom", 503)
        check("quiet", 201)
        check("boom", 503)
        check("boom", 201)
    }

    func testAnswers() {
        order(
            "status",
            ["status": 429, "headers": ["Retry-After": "7"], "body": ["error": "slow down"]])
        let json = create()
        XCTAssertEqual(json.status, 429)
        XCTAssertEqual(json.headers["Retry-After"], "7")
        XCTAssertEqual(json.body["error"], "slow down")
        order("status", ["status": 502, "body": "<html>Bad gateway</html>"])
        XCTAssertEqual(create().headers["Content-Type"], "text/html")
        XCTAssertEqual(cases, 0)
        let wrong = sandbox.control(
            "POST", "/_sandbox/faults", ["vendor": "salesforce", "fault": "gremlin"])
        XCTAssertEqual(wrong.status, 400)
    }

    func testEffectsBeforeAndAfter() {
        /// -1: no answer; 0: the connection is reset.
        func check(_ fault: String, _ status: Int, _ made: Int, line: UInt = #line) {
            let before = cases
            order(fault)
            XCTAssertEqual(create().status, status, line: line)
            XCTAssertEqual(cases - before, made, line: line)
        }
        check("hang", -1, 0)
        check("hangAfterEffect", -1, 1)
        check("drop", 0, 0)
        check("dropAfterEffect", 0, 1)
    }

    func testLocks() {
        let id = create().body["id"]?.string ?? ""
        order("lockRow")
        let plain = sandbox.salesforce("PATCH", "/sobjects/Case/\(id)", ["Subject": "y"])
        XCTAssertEqual(plain.status, 400)
        XCTAssertEqual(plain.code, "UNABLE_TO_LOCK_ROW")
        XCTAssertEqual(
            sandbox.salesforce("PATCH", "/sobjects/Case/\(id)", ["Subject": "y"]).status, 204)

        order("lockRow", ["wrapped": true])
        let wrapped = sandbox.salesforce("PATCH", "/sobjects/Case/\(id)", ["Subject": "z"])
        XCTAssertEqual(wrapped.code, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
        XCTAssertEqual(
            wrapped.body[0]?["message"]?.string?.contains("UNABLE_TO_LOCK_ROW"), true)

        order("lockRow", ["records": [1]])
        let row: JSON = ["attributes": ["type": "Case"], "id": .string(id), "Subject": "w"]
        let batch = sandbox.salesforce(
            "PATCH", "/composite/sobjects", ["records": [row, row, row]])
        XCTAssertEqual(batch.body.array?.map { $0["success"] }, [true, false, true])
        XCTAssertEqual(batch.body[1]?["errors"]?[0]?["statusCode"], "UNABLE_TO_LOCK_ROW")

        order("lockRow", ["records": [0]])
        let part: JSON = [
            "method": "PATCH", "url": .string("/services/data/v62.0/sobjects/Case/\(id)"),
            "referenceId": "a", "body": ["Subject": "v"],
        ]
        let composite = sandbox.salesforce("POST", "/composite", ["compositeRequest": [part]])
        XCTAssertEqual(composite.status, 200)
        XCTAssertEqual(
            composite.body["compositeResponse"]?[0]?["body"]?[0]?["errorCode"],
            "UNABLE_TO_LOCK_ROW")
    }

    func testSessionsAndLimits() {
        order("dailyLimit")
        XCTAssertEqual(create().code, "REQUEST_LIMIT_EXCEEDED")
        order("expiredSession")
        XCTAssertEqual(create().code, "INVALID_SESSION_ID")
        XCTAssertEqual(create().status, 401, "the session is gone for good")
        sandbox.logIn(as: "liaison@sandbox.example")
        XCTAssertEqual(create().status, 201)
        func pagerDuty(_ fault: String) -> DirectSandbox.Answer {
            sandbox.control(
                "POST", "/_sandbox/faults", ["vendor": "pagerduty", "fault": .string(fault)])
            return sandbox.pagerDuty("GET", "/abilities")
        }
        let limited = pagerDuty("rateLimit")
        XCTAssertEqual(limited.status, 429)
        XCTAssertEqual(limited.code, "2020")
        XCTAssertEqual(limited.headers["ratelimit-reset"], "1")
        let bare = pagerDuty("rateLimitBare")
        XCTAssertEqual(bare.status, 429)
        XCTAssertTrue(bare.headers.isEmpty)
        XCTAssertEqual(bare.body, .null)
    }

    func testCallsAreRecorded() {
        order("dropAfterEffect")
        _ = sandbox.salesforce(
            "POST", "/sobjects/Case/", ["Subject": "x"],
            headers: ["Sforce-Auto-Assign": "FALSE", "X-Other": "1"])
        sandbox.pagerDuty("GET", "/services?query=check&limit=5")
        let calls = sandbox.state.calls.all
        XCTAssertEqual(calls.map(\.number), [1, 2])
        XCTAssertEqual(calls[0].vendor, .salesforce)
        XCTAssertEqual(calls[0].path, "/services/data/v62.0/sobjects/Case/")
        XCTAssertEqual(calls[0].headers, ["sforce-auto-assign": "FALSE"])
        XCTAssertEqual(calls[0].body, #"{"Subject":"x"}"#)
        XCTAssertEqual(calls[0].status, 0)
        XCTAssertEqual(calls[0].fault, "dropAfterEffect")
        XCTAssertEqual(calls[0].effects, ["created Case 500bX0000000001QAA"])
        XCTAssertEqual(calls[1].query.map(\.name), ["query", "limit"])
        XCTAssertNil(calls[1].headers["authorization"])
        XCTAssertEqual(calls[1].json["headers"]?["from"], "liaison@example.com")
    }

    func testResetForgetsEverything() {
        _ = create()
        sandbox.act("trigger", ["title": "x"])
        order("drop")
        sandbox.control("POST", "/_sandbox/reset")
        sandbox.logIn(as: "liaison@sandbox.example")
        XCTAssertEqual(cases, 0)
        XCTAssertEqual(sandbox.state.calls.count, 0)
        XCTAssertEqual(create().status, 201)
    }
}
