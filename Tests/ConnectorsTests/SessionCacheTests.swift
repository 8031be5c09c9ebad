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

    func testARefusedAuthorizationHeaderRenewsTheSession() async throws {
        let body: JSON = [["message": "INVALID_HEADER_TYPE", "errorCode": "INVALID_AUTH_HEADER"]]
        let script = Org.script([.json(401, body), .json(200, Org.token("T2")), .json(200, limits)])
        try await query(try Org.client(script))
        XCTAssertEqual(script.logins, 2)
    }

    func testARefusalForGoodDoesNotLogInAgain() async throws {
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

    func testAFailedLoginIsTheFailureOfAllCallersThatWaited() async throws {
        let held = HeldLogin()
        let cache = SessionCache(now: { Org.now }) {
            () async throws(Failure) -> SalesforceSession in
            await held.begin()
            throw .retryable(Cause(.salesforce, code: "503", message: "down"))
        }
        let outcomes = await withTaskGroup(of: Disposition?.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    await Disposition.of { () async throws(Failure) in try await cache.session() }
                }
            }
            await held.begun()
            held.open()
            return await group.reduce(into: []) { $0.append($1) }
        }
        XCTAssertEqual(outcomes, Array(repeating: .retry, count: 10))
    }

    /// The caller that logs in is cancelled: another one takes over, and no other fails.
    func testACancelledLoginIsHandedOver() async throws {
        let held = HeldLogin()
        let attempts = Mutex(0)
        let session = try SalesforceSession(
            HTTPResponse(status: 200, body: Org.token("T1").bytes),
            from: try Org.settings().login)
        let cache = SessionCache(now: { Org.now }) {
            () async throws(Failure) -> SalesforceSession in
            let attempt = attempts.withLock { count in
                count += 1
                return count
            }
            if attempt > 1 { return session }
            await held.begin()
            throw .interrupted
        }
        async let leader = Disposition.of { () async throws(Failure) in try await cache.session() }
        await held.begun()
        try await withThrowingTaskGroup { group in
            for _ in 0..<5 { group.addTask { _ = try await cache.session() } }
            held.open()
            try await group.waitForAll()
        }
        let leaderEnded = await leader
        XCTAssertEqual(leaderEnded, .interrupted)
        XCTAssertEqual(attempts.withLock { $0 }, 2)
    }

    func testACancelledCallerStopsWaitingAtOnce() async throws {
        let held = HeldLogin()
        let session = try SalesforceSession(
            HTTPResponse(status: 200, body: Org.token("T1").bytes),
            from: try Org.settings().login)
        let cache = SessionCache(now: { Org.now }) {
            () async throws(Failure) -> SalesforceSession in
            await held.begin()
            return session
        }
        async let leader = cache.session()
        await held.begun()
        await withTaskGroup { group in
            group.addTask {
                let ended = await Disposition.of { () async throws(Failure) in
                    try await cache.session()
                }
                XCTAssertEqual(ended, .interrupted)
            }
            group.cancelAll()
        }
        held.open()
        let number = try await leader.number
        XCTAssertEqual(number, 1)
    }
}

/// Holds a login until it is opened, and tells when the login has begun.
final class HeldLogin: Sendable {
    private let beginning = AsyncStream<Void>.makeStream()
    private let opened = AsyncStream<Void>.makeStream()

    func begin() async {
        beginning.continuation.yield()
        for await _ in opened.stream {}
    }

    func begun() async {
        var iterator = beginning.stream.makeAsyncIterator()
        await iterator.next()
    }

    func open() { opened.continuation.finish() }
}

/// The decisions of the cache, without tasks.
final class SessionQueueTests: XCTestCase {
    private var queue = SessionQueue()

    override func setUp() { queue = SessionQueue() }

    private func request(
        replacing rejected: NumberedSession? = nil, isCancelled: Bool = false
    ) -> (caller: SessionCaller, step: String?) {
        let caller = queue.newCaller()
        let step = queue.request(
            by: caller, replacing: rejected, isCancelled: isCancelled, at: Org.now)
        return (caller, step.map(text))
    }

    private func text(_ step: SessionStep) -> String {
        switch step {
        case .use(let session): "use \(session.number)"
        case .fail(let failure): "fail \(failure.cause?.code ?? "interrupted")"
        case .logIn: "log in"
        }
    }

    private func session() throws -> SalesforceSession {
        try SalesforceSession(
            HTTPResponse(status: 200, body: Org.token("T1").bytes),
            from: try Org.settings().login)
    }

    func testTheFirstCallerLogsInAndTheOthersShareItsSession() throws {
        XCTAssertEqual(request().step, "log in")
        let waiting = [request(), request()]
        XCTAssertEqual(waiting.map(\.step), [nil, nil])
        let (session, resumptions) = queue.loginSucceeded(try session())
        XCTAssertEqual(resumptions.map(\.caller), waiting.map(\.caller))
        XCTAssertEqual(resumptions.map { text($0.step) }, ["use 1", "use 1"])
        XCTAssertEqual(request(isCancelled: true).step, "use 1")
        XCTAssertEqual(request(replacing: session).step, "log in")
        XCTAssertNil(request(replacing: session).step, "the login is under way")
        _ = queue.loginSucceeded(try self.session())
        XCTAssertEqual(request(replacing: session).step, "use 2", "it is a later session")
    }

    func testAnInterruptedLoginIsHandedToTheNextCaller() {
        XCTAssertEqual(request().step, "log in")
        let (second, third) = (request().caller, request().caller)
        XCTAssertEqual(queue.cancel(second).map { text($0.step) }, ["fail interrupted"])
        XCTAssertEqual(queue.cancel(second).count, 0)
        let resumptions = queue.loginFailed(.interrupted, at: Org.now)
        XCTAssertEqual(resumptions.map(\.caller), [third])
        XCTAssertEqual(resumptions.map { text($0.step) }, ["log in"])
        XCTAssertEqual(queue.loginFailed(.interrupted, at: Org.now).count, 0)
        XCTAssertEqual(request(isCancelled: true).step, "fail interrupted")
        XCTAssertEqual(request().step, "log in")
    }

    func testOnlyARefusedLoginIsRemembered() {
        let cause = Cause(.salesforce, code: "c", message: "m")
        XCTAssertEqual(request().step, "log in")
        let waiting = request().caller
        let resumptions = queue.loginFailed(.retryable(cause), at: Org.now)
        XCTAssertEqual(resumptions.map(\.caller), [waiting])
        XCTAssertEqual(resumptions.map { text($0.step) }, ["fail c"])
        XCTAssertEqual(request().step, "log in")
        _ = queue.loginFailed(.throttled(cause, retryAfter: .seconds(1)), at: Org.now)
        XCTAssertEqual(request().step, "fail c")
    }
}
