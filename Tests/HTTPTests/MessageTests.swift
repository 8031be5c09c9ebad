import XCTest

@testable import HTTP

final class MessageTests: XCTestCase {
    func testFindsFieldsByNameWhateverTheCase() {
        var headers: HTTPHeaders = ["X-A": "1", "Y": "2", "x-a": "3"]
        XCTAssertEqual(headers["x-A"], "1")
        XCTAssertEqual(headers.values("X-a"), ["1", "3"])
        XCTAssertNil(headers["X-AB"])
        XCTAssertEqual(headers.fields.map(\.name), ["X-A", "Y", "x-a"])
        headers["X-a"] = "4"
        XCTAssertEqual(headers, ["Y": "2", "X-a": "4"])
        headers["y"] = nil
        XCTAssertEqual(headers, ["X-a": "4"])
        headers.append("X-a", "5")
        XCTAssertEqual(headers.values("X-A"), ["4", "5"])
        XCTAssertTrue(HTTPHeaders().isEmpty)
        XCTAssertFalse(headers.isEmpty)
    }

    func testComparesOnlyLettersWithoutCase() {
        // These pairs differ by the bit that tells cases apart.
        for (left, right) in [("@", "`"), ("[", "{"), ("^", "~"), ("X\u{c9}", "X\u{e9}")] {
            XCTAssertNil(HTTPHeaders([(left, "1")])[right])
        }
    }

    func testProblemsAreValidDocuments() {
        check(.problem(status: 404, detail: "no"), 404, "Not Found", "no")
        let hostile = HTTPResponse.problem(status: 400, detail: "\"\\\n\u{1}é")
        check(hostile, 400, "Bad Request", #"\"\\\u000a\u0001é"#)
        check(.problem(status: 299, detail: ""), 299, "", "")
        let busy = HTTPResponse.unavailable(retryAfter: .seconds(7), detail: "later")
        check(busy, 503, "Service Unavailable", "later")
        XCTAssertEqual(busy.headers["Retry-After"], "7")
    }

    func testWritesDates() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_826_154, "Tue, 29 Feb 2000 12:09:14 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            XCTAssertEqual(httpDate(secondsSince1970: seconds), expected)
        }
    }

    func testTimeoutsAreHeldBetweenZeroAndADay() {
        let rows: [(Duration, UInt64)] = [
            (.milliseconds(500), 500_000_000), (.zero, 0), (.seconds(-1), 0),
            (.seconds(86_401), 86_400_000_000_000),
            (.seconds(Int64.max), 86_400_000_000_000), (.seconds(Int64.min), 0),
        ]
        for (duration, expected) in rows {
            XCTAssertEqual(nanoseconds(duration), expected, "\(duration)")
        }
    }

    func testRetryAfterIsRoundedUpToWholeSeconds() {
        let rows: [(Duration, String)] = [
            (.seconds(2), "2"), (.milliseconds(1500), "2"), (.milliseconds(1), "1"), (.zero, "0"),
        ]
        for (duration, expected) in rows {
            let response = HTTPResponse.unavailable(retryAfter: duration, detail: "later")
            XCTAssertEqual(response.headers["Retry-After"], expected)
        }
    }

    private func check(
        _ response: HTTPResponse, _ status: Int, _ title: String, _ detail: String,
        line: UInt = #line
    ) {
        XCTAssertEqual(response.status, status, line: line)
        XCTAssertEqual(response.headers["Content-Type"], "application/problem+json", line: line)
        XCTAssertEqual(
            String(decoding: response.body, as: UTF8.self),
            #"{"type":"about:blank","title":"\#(title)","status":\#(status),"#
                + #""detail":"\#(detail)"}"#, line: line)
    }
}
