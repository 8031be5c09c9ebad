import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

final class PagerDutyClassificationTests: XCTestCase {
    private func response(
        _ status: Int, _ body: String, _ headers: HTTPHeaders = [:]
    ) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
    }

    private func error(_ code: Int, _ message: String, _ errors: String...) -> String {
        let object: JSON = [
            "error": [
                "message": .string(message), "code": .number(JSONNumber(code)),
                "errors": .array(errors.map(JSON.string)),
            ]
        ]
        return object.text
    }

    /// Every row of the status table, with the codes that were seen under it.
    func testDispositionByStatus() {
        func check(
            _ status: Int, _ body: String, _ disposition: Disposition, code: String? = nil,
            line: UInt = #line
        ) {
            let failure = Failure.pagerDuty(response(status, body))
            XCTAssertEqual(Disposition(failure), disposition, line: line)
            XCTAssertEqual(failure.cause?.status, status, line: line)
            XCTAssertEqual(failure.cause?.origin, .pagerDuty, line: line)
            if let code { XCTAssertEqual(failure.cause?.code, code, line: line) }
        }
        check(400, error(2002, "Arguments Caused Error", "Service not found"), .stop, code: "2002")
        check(400, error(2001, "Invalid Input Provided", "Title cannot be empty."), .stop)
        check(400, error(2001, "Invalid Input Provided", "params must be a Hash"), .stop)
        check(400, error(1008, "Requester User Not Found"), .stop, code: "1008")
        check(400, error(1028, #"Malformed "From" header"#), .stop)
        check(400, error(2016, "You must specify a user's email address"), .stop, code: "2016")
        check(401, error(2006, "Authentication failed"), .stop, code: "2006")
        check(402, error(2014, "Missing Account Ability"), .stop)
        check(403, error(2010, "Access Denied"), .stop)
        check(403, error(1018, "Requester not authorized"), .stop)
        check(403, error(2018, "Lost access"), .stop)
        check(404, error(2100, "Not Found"), .stop)
        check(404, error(5001, "Not found"), .stop)
        check(404, error(5002, "Not found"), .stop)
        check(408, error(2016, "Took too long"), .retry)
        check(409, error(1005, "Data Updated Since Last Request"), .stop)
        check(413, error(2001, "Too many items"), .stop)
        check(429, error(2020, "Rate Limit Exceeded"), .wait(30), code: "2020")
        check(429, "", .wait(30), code: "429")
        check(500, error(2000, "Internal Error"), .retry)
        check(502, "<html>bad gateway</html>", .retry, code: "502")
        check(503, error(6007, "Unavailable"), .retry)
        check(504, "", .retry)
        check(301, "", .stop)
        check(418, "", .stop)
        check(599, "", .retry)
    }

    func testThePauseAfterTooManyRequests() {
        func check(_ headers: HTTPHeaders, _ seconds: Double, line: UInt = #line) {
            let failure = Failure.pagerDuty(response(429, "", headers))
            XCTAssertEqual(Disposition(failure), .wait(seconds), line: line)
        }
        check(["ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "20"], 20)
        check(["Ratelimit-Reset": "7", "Retry-After": "90"], 7)
        check(["retry-after": "90"], 90)
        check(["ratelimit-reset": "0"], 1)
        check(["ratelimit-reset": "99999999"], 3600)
        check(["ratelimit-reset": "-4"], 30)
        check(["ratelimit-reset": "soon", "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"], 30)
        check([:], 30)
    }

    /// The six shapes met in the wild, and worse.
    func testErrorsAreReadFromEveryShapeOfAnswer() {
        func check(_ body: String, _ code: Int?, _ text: String, line: UInt = #line) {
            let problem = PagerDutyProblem(response(400, body))
            XCTAssertEqual(problem.code, code, line: line)
            XCTAssertEqual(problem.text, text, line: line)
        }
        check(
            error(2002, "Arguments Caused Error", "first", "second"), 2002,
            "Arguments Caused Error: first; second")
        check(
            #"{"error":{"message":"Rate Limit Exceeded","code":2020}}"#, 2020,
            "Rate Limit Exceeded")
        check(
            #"{"error":{"code":84,"message":"other","errors":"only one"}}"#, 84,
            "other: only one")
        check(
            #"{"error":["links should have at most 50 item(s)","and more"]}"#, nil,
            "links should have at most 50 item(s): and more")
        check(#"{"error":"needs a user's token"}"#, nil, "needs a user's token")
        check("<html>\n<b>502</b>\u{7}</html>", nil, "<html> <b>502</b></html>")
        check(#"{"error":{"message":"m","code":"2001","errors":[]}}"#, 2001, "m")
        check(#"{"error":{"errors":[{"field":"x"}]}}"#, nil, #"no message: {"field":"x"}"#)
        check(#"{"error":null}"#, nil, #"{"error":null}"#)
        check(#"{"error":[]}"#, nil, "no message")
        check("[]", nil, "[]")
        check("", nil, "empty answer")
        check(#"{"error":{"message":"cut of"#, nil, #"{"error":{"message":"cut of"#)
    }

    func testMessagesAreBoundedAndStorable() {
        let long = String(repeating: "ä", count: 5000)
        func check(_ message: String, _ words: String, line: UInt = #line) {
            let body: JSON = ["error": ["message": .string(message)]]
            let failure = Failure.pagerDuty(response(400, body.text))
            XCTAssertEqual(failure.cause?.message, words, line: line)
        }
        check("a\0b\nc", "ab\nc")
        check(long, String(long.prefix(1999)) + "…")
    }

    func testTheMessageTellsTheMeaning() {
        func check(_ body: String, _ meaning: PagerDutyProblem.Meaning, line: UInt = #line) {
            XCTAssertEqual(PagerDutyProblem(response(400, body)).meaning, meaning, line: line)
        }
        check(
            error(
                2002, "Arguments Caused Error",
                "Open incident with matching dedup key already exists on this service"),
            .duplicateKey)
        check(#"{"error":"matching Dedup Key exists"}"#, .duplicateKey)
        check(error(2001, "Invalid", "dedup key too long"), .other)
        check(error(2002, "Arguments Caused Error", "Service not found"), .other)
        check(error(1001, "Incident Already Resolved"), .alreadyInState)
        check(error(1002, "Incident Already Acknowledged"), .alreadyInState)
        check(error(2001, "Invalid", "Incident is already resolved"), .alreadyInState)
        check(error(2100, "Not Found"), .other)
    }

    func testRateLimitHeadersAreRead() {
        func check(_ headers: HTTPHeaders, _ limit: RateLimit?, line: UInt = #line) {
            XCTAssertEqual(RateLimit(headers), limit, line: line)
        }
        check(
            ["ratelimit-limit": "960", "ratelimit-remaining": "958", "ratelimit-reset": "31"],
            RateLimit(limit: 960, remaining: 958, reset: .seconds(31)))
        check(["RateLimit-Remaining": "0"], RateLimit(remaining: 0))
        check(["ratelimit-limit": "many"], nil)
        check(["ratelimit-limit": "99999999999999999999"], nil)
        check([:], nil)
    }
}
