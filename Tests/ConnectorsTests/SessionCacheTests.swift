import HTTP
import JSON
import Models
import Synchronization
import XCTest

@testable import Connectors

final class SessionCacheTests: XCTestCase {
    private let limits: JSON = ["totalSize": 0, "done": true, "records": []]

    /// Answers every call by the token it carries: `expired` ones get 401.
    private func org(expired: Set<String>) -> Script {
        let logins = Mutex(0)
        let limits = limits
        return Script { request, _ in
            if request.url.hasSuffix("/services/oauth2/token") {
                let number = logins.withLock { count in
                    count += 1
                    return count
                }
                return .json(200, Org.token("T\(number)"))
            }
            let token = request.headers["Authorization"]?.dropFirst("Bearer ".count) ?? ""
            return expired.contains(String(token)) ? .answer(401, Org.expired) : .json(200, limits)
        }
    }

    private func query(_ client: Salesforce) async throws(Failure) {
        _ = try await client.query(try SOQL(select: ["Id"], from: "Case"))
    }

    func testFiftyCallsAtOnceLogInOnce() async throws {
        let script = org(expired: [])
        let client = try Org.client(script)
        try await withThrowingTaskGroup { group in
            for _ in 0..<50 {
                group.addTask { _ = try await client.query(SOQL(select: ["Id"], from: "Case")) }
            }
            try await group.waitForAll()
        }
        XCTAssertEqual(script.logins, 1)
        XCTAssertEqual(script.requests.count, 51)
    }

    func testFiftyCallsWithAnExpiredTokenLogInOnceMore() async throws {
        let script = org(expired: ["T1"])
        let client = try Org.client(script)
        _ = try await client.whoAmI()
        try await withThrowingTaskGroup { group in
            for _ in 0..<50 {
                group.addTask { _ = try await client.query(SOQL(select: ["Id"], from: "Case")) }
            }
            try await group.waitForAll()
        }
        XCTAssertEqual(script.logins, 2)
    }

    func testASessionThatIsNeverAcceptedIsReplacedOnce() async throws {
        let script = org(expired: ["T1", "T2", "T3"])
        let client = try Org.client(script)
        let failure = await failure { () async throws(Failure) in try await query(client) }
        XCTAssertEqual(failure?.cause?.code, "INVALID_SESSION_ID")
        XCTAssertEqual(Disposition(failure), .retry)
        XCTAssertEqual(script.logins, 2)
        XCTAssertEqual(script.requests.count, 4)
    }

    func testARefusedAuthorizationHeaderIsRenewedToo() async throws {
        let body: JSON = [["message": "INVALID_HEADER_TYPE", "errorCode": "INVALID_AUTH_HEADER"]]
        let script = Org.script([.json(401, body), .json(200, Org.token("T2")), .json(200, limits)])
        try await query(try Org.client(script))
        XCTAssertEqual(script.logins, 2)
    }

    func testPermanentTextsDoNotLogInAgain() async throws {
        for text in [
            "This session is not valid for use with the REST API",
            "Connected app is not attached to Agent",
        ] {
            let body: JSON = [["message": .string(text), "errorCode": "INVALID_SESSION_ID"]]
            let script = Org.script([.json(401, body)])
            let client = try Org.client(script)
            let failure = await failure { () async throws(Failure) in try await query(client) }
            XCTAssertEqual(Disposition(failure), .stop)
            XCTAssertEqual(script.logins, 1)
            XCTAssertEqual(script.requests.count, 2)
        }
    }

    func testTheReplayIsTheSameRequestWithTheNewToken() async throws {
        let script = org(expired: ["T1"])
        let client = try Org.client(script)
        _ = try await client.apexREST("/a", body: ["x": 1])
        XCTAssertEqual(
            script.lines,
            [
                "POST /services/oauth2/token", "POST /services/apexrest/a",
                "POST /services/oauth2/token", "POST /services/apexrest/a",
            ])
        let calls = [script.requests[1], script.requests[3]]
        XCTAssertEqual(calls.map(\.body), [calls[0].body, calls[0].body])
        XCTAssertEqual(
            calls.map { $0.headers["Authorization"] }, ["Bearer T1", "Bearer T2"])
    }

    /// Logins are rationed: a refused one is not tried again before its time.
    func testARefusedLoginIsRemembered() async throws {
        let clock = Mutex(Org.now)
        let script = Script { _, index in
            index == 0
                ? .json(400, ["error": "invalid_grant", "error_description": "no"])
                : .json(200, Org.token("T1"))
        }
        let client = Salesforce(
            settings: try Org.settings(), send: script.send, now: { clock.withLock { $0 } })
        func check(after seconds: Double, _ expected: Disposition, line: UInt = #line) async {
            clock.withLock { $0 = Org.now.advanced(by: .seconds(seconds)) }
            let failure = await failure(line: line) { () async throws(Failure) in
                try await client.whoAmI()
            }
            XCTAssertEqual(Disposition(failure), expected, line: line)
            XCTAssertEqual(failure?.cause?.code, "invalid_grant", line: line)
            XCTAssertEqual(script.logins, 1, line: line)
        }
        await check(after: 0, .wait(300))
        await check(after: 100, .wait(200))
        await check(after: 299.5, .wait(0.5))
        clock.withLock { $0 = Org.now.advanced(by: .seconds(300)) }
        _ = try await client.whoAmI()
        XCTAssertEqual(script.logins, 2)
    }

    func testAFailedLoginIsTheFailureOfAllWhoWaited() async throws {
        let gate = Gate()
        let cache = SessionCache(now: { Org.now }) { () async throws(Failure) -> Session in
            await gate.pass()
            throw .retryable(Cause(.salesforce, code: "503", message: "down"))
        }
        let outcomes = await withTaskGroup(of: Disposition?.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    await Disposition.of { () async throws(Failure) in try await cache.session() }
                }
            }
            await gate.arrived()
            gate.open()
            return await group.reduce(into: []) { $0.append($1) }
        }
        XCTAssertEqual(outcomes, Array(repeating: .retry, count: 10))
    }

    /// The one who logs in is cancelled: another one takes over, nobody else fails.
    func testACancelledLoginIsHandedOver() async throws {
        let gate = Gate()
        let attempts = Mutex(0)
        let session = try Session(
            HTTPResponse(status: 200, body: Org.token("T1").bytes),
            from: try Org.settings().login)
        let cache = SessionCache(now: { Org.now }) { () async throws(Failure) -> Session in
            let attempt = attempts.withLock { count in
                count += 1
                return count
            }
            if attempt > 1 { return session }
            await gate.pass()
            throw .interrupted
        }
        async let leader = Disposition.of { () async throws(Failure) in try await cache.session() }
        await gate.arrived()
        try await withThrowingTaskGroup { group in
            for _ in 0..<5 { group.addTask { _ = try await cache.session() } }
            gate.open()
            try await group.waitForAll()
        }
        let leaderEnded = await leader
        XCTAssertEqual(leaderEnded, .interrupted)
        XCTAssertEqual(attempts.withLock { $0 }, 2)
    }

    func testACancelledWaiterLeavesAtOnce() async throws {
        let gate = Gate()
        let session = try Session(
            HTTPResponse(status: 200, body: Org.token("T1").bytes),
            from: try Org.settings().login)
        let cache = SessionCache(now: { Org.now }) { () async throws(Failure) -> Session in
            await gate.pass()
            return session
        }
        async let leader = cache.session()
        await gate.arrived()
        await withTaskGroup { group in
            group.addTask {
                let ended = await Disposition.of { () async throws(Failure) in
                    try await cache.session()
                }
                XCTAssertEqual(ended, .interrupted)
            }
            group.cancelAll()
        }
        gate.open()
        let number = try await leader.number
        XCTAssertEqual(number, 1)
    }
}

/// Holds whoever passes until it is opened, and tells that somebody has come.
final class Gate: Sendable {
    private let passing = AsyncStream<Void>.makeStream()
    private let opened = AsyncStream<Void>.makeStream()

    func pass() async {
        passing.continuation.yield()
        for await _ in opened.stream {}
    }

    func arrived() async {
        var iterator = passing.stream.makeAsyncIterator()
        await iterator.next()
    }

    func open() { opened.continuation.finish() }
}
