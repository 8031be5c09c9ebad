import HTTP
import Models
import Synchronization
import XCTest

@testable import Connectors

final class CallAdmissionTests: XCTestCase {
    private static let pause = Failure.throttled(
        Cause(.liaison, code: "closed", message: "not now"), retryAfter: .seconds(7))

    func testARequestThatIsNotAdmittedIsNotSent() async throws {
        let script = Script([])
        let admission = CallAdmission(
            admit: { _ async throws(Failure) in throw Self.pause }, record: { _, _ in })
        let account = pagerDuty(script, admission)
        let failure = await failure { () async throws(Failure) in try await account.notes("P1") }
        XCTAssertEqual(failure, Self.pause)
        let org = Salesforce(
            settings: try Org.settings(), send: script.send, now: { Org.now }, admission: admission)
        let refused = await self.failure { () async throws(Failure) in try await org.whoAmI() }
        XCTAssertEqual(refused, Self.pause, "the login needs it, too")
        XCTAssertEqual(script.lines, [])
    }

    func testEachCallIsRecordedWithItsResult() async {
        func check(
            _ answer: Result<HTTPResponse, HTTPClientError>, _ status: Int?,
            _ disposition: Disposition?, _ limit: RateLimit? = nil, line: UInt = #line
        ) async {
            let heard = Heard()
            _ = await Disposition.of { () async throws(Failure) in
                try await self.pagerDuty(Script([answer]), heard.admission).notes("P1")
            }
            XCTAssertEqual(heard.reports.count, 1, line: line)
            XCTAssertEqual(heard.reports.first?.status, status, line: line)
            XCTAssertEqual(Disposition(heard.reports.first?.failure), disposition, line: line)
            XCTAssertEqual(heard.reports.first?.rateLimit, limit, line: line)
        }
        await check(.json(200, ["notes": []]), 200, nil)
        await check(
            .json(
                200, ["notes": []],
                ["ratelimit-limit": "960", "ratelimit-remaining": "3", "ratelimit-reset": "9"]),
            200, nil, RateLimit(limit: 960, remaining: 3, reset: .seconds(9)))
        await check(.answer(429), 429, .wait(30))
        await check(.answer(503), 503, .retry)
        await check(.answer(404), 404, .stop)
        await check(.failure(.notSent(reason: "no route")), nil, .retry)
        await check(.failure(.unknownOutcome(reason: "time-out")), nil, .retry)
        await check(.failure(.cancelled), nil, .interrupted)
        await check(.failure(.notBegun(reason: "no connection")), nil, .interrupted)
    }

    func testRecordingMayReplaceTheFailureOfACall() async {
        let admission = CallAdmission(
            admit: { _ in }, record: { _, _ async throws(Failure) in throw Self.pause })
        for answer: Result<HTTPResponse, HTTPClientError> in [
            .answer(503), .failure(.notSent(reason: "no route")),
        ] {
            let account = pagerDuty(Script([answer]), admission)
            let failure = await failure { () async throws(Failure) in
                try await account.notes("P1")
            }
            XCTAssertEqual(failure, Self.pause)
        }
    }

    func testARefusedLoginDoesNotCountAgainstTheVendor() async throws {
        let refusal = #"{"error":"invalid_grant","error_description":"user hasn't approved"}"#
        for (answer, expected) in [
            (.answer(400, refusal), nil), (.answer(503), Disposition.retry),
        ] as [(Result<HTTPResponse, HTTPClientError>, Disposition?)] {
            let heard = Heard()
            let org = Salesforce(
                settings: try Org.settings(), send: Script([answer]).send, now: { Org.now },
                admission: heard.admission)
            _ = await Disposition.of { () async throws(Failure) in try await org.whoAmI() }
            XCTAssertEqual(heard.reports.count, 1)
            XCTAssertEqual(Disposition(heard.reports.first?.failure), expected)
        }
    }

    func testAnAdmittedAccountNeedsAdmissionAgainForItsSecondCall() async throws {
        let script = Script { _, _ in .json(200, ["notes": []]) }
        let (first, then) = (Heard(), Heard())
        let account = try await pagerDuty(script, .unlimited).admitted(
            by: first.admission, then: then.admission)
        XCTAssertEqual([first.entries, then.entries], [1, 0])
        XCTAssertEqual(script.lines, [], "admitted, not made")
        _ = try await account.notes("P1")
        XCTAssertEqual([first.entries, then.entries], [1, 0])
        _ = try await account.notes("P1")
        XCTAssertEqual([first.entries, then.entries], [1, 1])
        XCTAssertEqual(then.reports.count, 2)
    }

    func testACallThatMayNotContinueIsNotMade() async throws {
        let mayContinue = Mutex(true)
        var admission = CallAdmission.unlimited
        admission.mayContinue = { mayContinue.withLock { $0 } }
        let script = Script { request, _ in
            request.url.contains("oauth2")
                ? .json(200, Org.token("T1")) : .json(200, ["notes": []])
        }
        let account = pagerDuty(script, admission)
        let org = Salesforce(settings: try Org.settings(), send: script.send, now: { Org.now })
            .admitted(by: admission)
        _ = try await account.notes("P1")
        _ = try await org.apexREST("/services/apexrest/x", body: [:])
        let made = script.requests.filter { !$0.url.contains("oauth2") }
        XCTAssertEqual(made.count, 2)
        XCTAssertTrue(made.allSatisfy { $0.mayBegin() })
        mayContinue.withLock { $0 = false }
        XCTAssertFalse(made.contains { $0.mayBegin() }, "asked again when its turn comes")
        for failure in [
            await failure(of: { () async throws(Failure) in try await account.notes("P1") }),
            await failure(of: { () async throws(Failure) in
                try await org.apexREST("/services/apexrest/x", body: [:])
            }),
        ] { XCTAssertEqual(failure, .interrupted) }
        XCTAssertEqual(script.requests.count, 3)
    }

    func testAHealthCheckNeedsNoAdmission() async {
        func check(
            _ answer: Result<HTTPResponse, HTTPClientError>, isUp: Bool, line: UInt = #line
        ) async {
            let script = Script([answer])
            let heard = Heard()
            let found = await pagerDuty(script, heard.admission).check()
            XCTAssertEqual(found, isUp, line: line)
            XCTAssertEqual(heard.entries, 0, line: line)
            XCTAssertEqual(script.lines, ["GET /abilities"], line: line)
            XCTAssertEqual(script.requests.map(\.isUrgent), [true], line: line)
        }
        await check(.json(200, [:]), isUp: true)
        await check(.answer(401), isUp: true)
        await check(.answer(429), isUp: true)
        await check(.answer(500), isUp: false)
        await check(.answer(503), isUp: false)
        await check(.failure(.notSent(reason: "no route")), isUp: false)
        await check(.failure(.unknownOutcome(reason: "time-out")), isUp: false)
        await check(.failure(.cancelled), isUp: true)
        await check(.failure(.notBegun(reason: "no connection")), isUp: true)
    }

    private func pagerDuty(_ script: Script, _ admission: CallAdmission) -> PagerDuty {
        PagerDuty(
            settings: Account.settings(),
            send: script.send, admission: admission)
    }
}

/// Admits everything and remembers it.
private final class Heard: Sendable {
    private let state = Mutex<(entries: Int, reports: [CallReport])>((0, []))

    var entries: Int { state.withLock { $0.entries } }
    var reports: [CallReport] { state.withLock { $0.reports } }

    var admission: CallAdmission {
        CallAdmission(
            admit: { _ in self.state.withLock { $0.entries += 1 } },
            record: { report, _ in self.state.withLock { $0.reports.append(report) } })
    }
}
