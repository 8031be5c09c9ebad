import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

final class SalesforceClassificationTests: XCTestCase {
    private func response(
        _ status: Int, _ body: String, _ headers: HTTPHeaders = [:]
    ) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
    }

    private func error(_ code: String, _ message: String) -> String {
        JSON.array([["message": .string(message), "errorCode": .string(code)]]).text
    }

    private func check(
        _ status: Int, _ code: String, _ disposition: Disposition, _ message: String = "words",
        line: UInt = #line
    ) {
        let failure = Failure.salesforce(response(status, error(code, message)))
        XCTAssertEqual(Disposition(failure), disposition, line: line)
        let cause = Cause(.salesforce, code: code, message: message, status: status)
        XCTAssertEqual(failure.cause, cause, line: line)
    }

    func testCodesOfExpiredSessions() {
        check(401, "INVALID_SESSION_ID", .retry, "Session expired or invalid")
        check(401, "INVALID_AUTH_HEADER", .retry, "INVALID_HEADER_TYPE")
        check(
            401, "INVALID_SESSION_ID", .stop,
            "This session is not valid for use with the REST API")
        check(401, "INVALID_SESSION_ID", .stop, "Connected app is not attached to Agent")
    }

    func testCodesOfUsedUpAllocations() {
        check(403, "REQUEST_LIMIT_EXCEEDED", .wait(900), "TotalRequests Limit exceeded.")
        for status in [403, 503] {
            check(
                status, "REQUEST_LIMIT_EXCEEDED", .wait(15),
                "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
        }
        for status in [400, 500] {
            check(status, "UNKNOWN_EXCEPTION", .retry, "ConcurrentPerOrgLongTxn Limit exceeded.")
            check(status, "ConcurrentPerOrgApex", .retry, "Limit exceeded.")
        }
        check(403, "REQUEST_LIMIT_EXCEEDED", .retry, "ConcurrentPerOrgLongTxn Limit exceeded.")
    }

    func testCodesOfMissingPermissions() {
        for code in [
            "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY",
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "API_DISABLED_FOR_ORG",
            "FUNCTIONALITY_NOT_ENABLED",
        ] { check(403, code, .stop) }
        check(403, "API_CURRENTLY_DISABLED", .wait(900))
    }

    func testCodesOfMissingRecords() {
        for code in ["NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED"] {
            check(404, code, .stop)
        }
    }

    func testCodesOfLockedRecords() {
        let lock = "unable to obtain exclusive access to this record or 1 records: 500000000000001"
        check(400, "UNABLE_TO_LOCK_ROW", .retry, lock)
        for code in ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER"] {
            check(400, code, .retry, "trigger: System.DmlException: UNABLE_TO_LOCK_ROW, \(lock)")
            check(400, code, .stop, "trigger: System.NullPointerException")
        }
    }

    func testCodesOfInvalidData() {
        for code in [
            "REQUIRED_FIELD_MISSING", "FIELD_INTEGRITY_EXCEPTION", "STRING_TOO_LONG",
            "INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_TYPE",
            "INVALID_TYPE_ON_FIELD_IN_RECORD", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "MALFORMED_ID", "MALFORMED_QUERY", "JSON_PARSER_ERROR", "NUMBER_OUTSIDE_VALID_RANGE",
            "INVALID_EMAIL_ADDRESS", "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "FIELD_FILTER_VALIDATION_EXCEPTION", "INACTIVE_OWNER_OR_USER", "ENTITY_IS_LOCKED",
            "DUPLICATE_VALUE", "DUPLICATE_EXTERNAL_ID", "DUPLICATES_DETECTED",
        ] { check(400, code, .stop) }
    }

    func testCodesThatPassByThemselves() {
        for code in [
            "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG", "INVALID_QUERY_LOCATOR",
            "INVALID_LOCATOR", "ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED",
        ] { check(400, code, .retry) }
        for code in [
            "SERVER_UNAVAILABLE", "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE",
            "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
        ] {
            check(503, code, .retry)
            check(400, code, .retry)
        }
        for status in [500, 502, 504] {
            check(status, "UNKNOWN_EXCEPTION", .retry, "An internal server error has occurred")
        }
    }

    func testTheStatusDecidesOverAnUnknownCode() {
        check(400, "SOMETHING_NEW", .stop)
        check(409, "CONFLICT", .stop)
        check(412, "PRECONDITION_FAILED", .stop)
        check(420, "ENHANCE_YOUR_CALM", .retry)
        check(429, "TOO_MANY_REQUESTS", .wait(30))
        check(500, "INVALID_FIELD", .retry)
        check(599, "SOMETHING_NEW", .retry)
        func checkPlain(_ status: Int, _ disposition: Disposition, line: UInt = #line) {
            let failure = Failure.salesforce(response(status, "<p>no</p>"))
            XCTAssertEqual(Disposition(failure), disposition, line: line)
            XCTAssertEqual(
                failure.cause,
                Cause(.salesforce, code: "\(status)", message: "<p>no</p>", status: status),
                line: line)
        }
        for status in [301, 302, 400, 401, 403, 404, 414, 431] { checkPlain(status, .stop) }
        for status in [408, 420, 500, 502, 503, 504] { checkPlain(status, .retry) }
    }

    func testRetryAfterReplacesOurOwnPause() {
        func check(_ status: Int, _ expected: Disposition, line: UInt = #line) {
            let failure = Failure.salesforce(response(status, "", ["Retry-After": "77"]))
            XCTAssertEqual(Disposition(failure), expected, line: line)
        }
        check(429, .wait(77))
        check(503, .retry)
        check(400, .stop)
    }

    func testTheWorstOfSeveralProblemsDecides() {
        func check(_ codes: [String], _ expected: Disposition, line: UInt = #line) {
            let problems = codes.map { SalesforceProblem(code: $0, message: "m") }
            let failure = Failure.salesforce(problems, status: 400)
            XCTAssertEqual(Disposition(failure), expected, line: line)
        }
        check(["UNABLE_TO_LOCK_ROW", "STRING_TOO_LONG"], .stop)
        check(["UNABLE_TO_LOCK_ROW", "API_CURRENTLY_DISABLED"], .wait(900))
        check(["UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT"], .retry)
        check([], .stop)
    }

    /// The five shapes, and those that are none.
    func testErrorsAreReadFromEveryShapeOfAnswer() {
        func check(_ body: String, _ problems: [(String, String)], line: UInt = #line) {
            let found = SalesforceProblem.all(in: response(400, body))
            XCTAssertEqual(found.map(\.code), problems.map(\.0), line: line)
            XCTAssertEqual(found.map(\.text), problems.map(\.1), line: line)
        }
        check(
            #"[{"message":"No such column","errorCode":"INVALID_FIELD"}]"#,
            [("INVALID_FIELD", "No such column")])
        check(
            """
            [{"message":"a","errorCode":"A","fields":["X","Y"]},
             {"message":"b","errorCode":"B","fields":[]}]
            """, [("A", "a [X, Y]"), ("B", "b")])
        check(
            #"[{"statusCode":"MALFORMED_ID","message":"malformed id","fields":[]}]"#,
            [("MALFORMED_ID", "malformed id")])
        check(
            #"{"error":"invalid_grant","error_description":"invalid assertion"}"#,
            [("invalid_grant", "invalid assertion")])
        check("<html><title>Down</title></html>", [("400", "<html><title>Down</title></html>")])
        check("<soapenv:Fault>x</soapenv:Fault>", [("400", "<soapenv:Fault>x</soapenv:Fault>")])
        check("", [("400", "empty answer")])
        check("[]", [("400", "[]")])
        check(#"["/services/data/v62.0/a"]"#, [("400", #"["/services/data/v62.0/a"]"#)])
        check(#"[{"errorCode":"A"}]"#, [("A", "no message")])
    }

    func testDuplicateRulesNameTheRecordsTheyFound() {
        for key in ["duplicateResut", "duplicateResult"] {
            let body = """
                [{"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these records?",
                  "\(key)": {"matchResults": [{"matchRecords": [
                    {"record": {"Id": "003000000000001AAA"}},
                    {"record": {"Id": "003000000000002AAA"}}]}]}}]
                """
            XCTAssertEqual(
                SalesforceProblem.all(in: response(400, body)).map(\.text),
                ["Use one of these records? (003000000000001AAA, 003000000000002AAA)"])
        }
    }

    /// The token endpoint, row by row.
    func testRefusedLogins() throws {
        let login = try XCTUnwrap(ServerOrigin("https://login.salesforce.com"))
        func check(
            _ status: Int, _ error: String, _ description: String, _ expected: Disposition,
            line: UInt = #line
        ) {
            let body: JSON = [
                "error": .string(error), "error_description": .string(description),
            ]
            let failure = Failure.salesforceLogin(response(status, body.text), at: login)
            XCTAssertEqual(Disposition(failure), expected, line: line)
            XCTAssertEqual(failure.cause?.code, error, line: line)
            XCTAssertTrue(failure.cause?.message.contains(description) ?? false, line: line)
        }
        check(400, "invalid_grant", "user hasn't approved this consumer", .wait(300))
        check(400, "invalid_grant", "invalid assertion", .wait(300))
        check(400, "invalid_grant", "audience is invalid", .wait(300))
        check(400, "invalid_grant", "Audience validation failed", .wait(300))
        check(400, "invalid_grant", "authentication failure", .wait(300))
        check(400, "invalid_grant", "IP restricted", .wait(300))
        check(400, "invalid_grant", "expired authorization code", .wait(300))
        check(400, "invalid_client_id", "client identifier invalid", .wait(300))
        check(400, "invalid_client", "invalid client credentials", .wait(300))
        check(400, "invalid_app_access", "user is not admin approved", .wait(300))
        check(400, "inactive_user", "user is inactive", .wait(300))
        check(400, "inactive_org", "organization is inactive", .wait(300))
        check(400, "unsupported_grant_type", "grant type not supported", .wait(300))
        check(403, "rate_limit_exceeded", "login rate exceeded", .wait(300))
        check(400, "unknown_error", "retry your request", .retry)
        check(400, "invalid_grant", "please retry your request", .retry)
        check(503, "server_error", "down", .retry)
    }

    func testARefusedLoginShowsNothingOfABodyWithoutOAuth() throws {
        let login = try XCTUnwrap(ServerOrigin("https://login.salesforce.com"))
        func check(_ status: Int, _ expected: Disposition, line: UInt = #line) {
            let failure = Failure.salesforceLogin(
                response(status, "<html>eyJhbGciOi</html>"), at: login)
            XCTAssertEqual(Disposition(failure), expected, line: line)
            XCTAssertEqual(
                failure.cause?.message,
                "login at https://login.salesforce.com: no OAuth error in the answer", line: line)
        }
        check(302, .wait(300))
        check(404, .wait(300))
        check(429, .wait(300))
        check(500, .retry)
        check(503, .retry)
    }

    func testAnExpiredAssertionShowsBothClocks() throws {
        let login = try XCTUnwrap(ServerOrigin("https://login.salesforce.com"))
        let failure = Failure.salesforceLogin(
            response(
                400, #"{"error":"invalid_grant","error_description":"assertion expired"}"#,
                ["Date": "Mon, 02 Mar 2026 09:15:04 GMT"]), at: login)
        XCTAssertEqual(
            failure.cause?.message,
            "login at https://login.salesforce.com: assertion expired "
                + "(Salesforce's clock: Mon, 02 Mar 2026 09:15:04 GMT)")
    }
}
