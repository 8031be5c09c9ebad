import HTTP
import JSON
import Synchronization
import XCTest

@testable import Sandbox

/// The parts that need real sockets: ports, deliveries, hanging and broken connections.
final class SandboxServerTests: XCTestCase {
    private func pagerDuty(
        _ sandbox: Sandbox, _ method: String, _ path: String, _ body: JSON? = nil
    ) -> HTTPClientRequest {
        HTTPClientRequest(
            method: method, url: sandbox.pagerDutyURL + path,
            headers: [
                "Authorization": "Token token=u+SandboxAccountKey1",
                "Content-Type": "application/json", "From": "liaison@example.com",
            ], body: body?.bytes ?? [])
    }

    private let incident: JSON = [
        "incident": ["title": "Down", "service": ["id": "PSVCHK1"]]
    ]

    func testACallAndItsWebhook() async throws {
        try await Receiver.running(answering: { _ in HTTPResponse(status: 202) }) { receiver in
            try await Sandbox.running { sandbox in
                let made = await sandbox.control(
                    "POST", "/_sandbox/pagerduty/subscriptions",
                    ["url": .string("\(receiver.url)/pagerduty/main")])
                XCTAssertEqual(made.status, 201)
                let client = try HTTPClient()
                let answer = try await client.send(
                    pagerDuty(sandbox, "POST", "/incidents", incident))
                XCTAssertEqual(answer.status, 201)
                XCTAssertEqual(answer.headers["ratelimit-limit"], "960")
                let settled = await sandbox.settled()
                XCTAssertTrue(settled)
                var received = receiver.received.makeAsyncIterator()
                let request = await received.next()
                XCTAssertEqual(request?.path, "/pagerduty/main")
                XCTAssertNotNil(request?.headers["X-PagerDuty-Signature"])
                XCTAssertEqual(sandbox.calls.map(\.path), ["/incidents"])
                let log = await sandbox.control("GET", "/_sandbox/deliveries")
                XCTAssertEqual(log.body["deliveries"]?[0]?["state"], "delivered")
            }
        }
    }

    func testRefusedDeliveriesAreRepeatedInOrder() async throws {
        let failures = Mutex(2)
        let answer: @Sendable (HTTPRequest) -> HTTPResponse = { _ in
            let fails = failures.withLock { left in
                left -= 1
                return left >= 0
            }
            return HTTPResponse(status: fails ? 503 : 202)
        }
        try await Receiver.running(answering: answer) { receiver in
            var options = SandboxOptions()
            options.retryPauseFirst = .milliseconds(10)
            try await Sandbox.running(options) { sandbox in
                await sandbox.control(
                    "POST", "/_sandbox/pagerduty/subscriptions", ["url": .string(receiver.url)])
                let act = "/_sandbox/pagerduty/act"
                await sandbox.control("POST", act, ["do": "trigger", "title": "Down"])
                await sandbox.control("POST", act, ["do": "acknowledge", "incident": 1])
                let settled = await sandbox.settled()
                XCTAssertTrue(settled)
                let types = await Self.eventTypes(receiver, 4)
                XCTAssertEqual(
                    types,
                    Array(repeating: "incident.triggered", count: 3) + ["incident.acknowledged"])
            }
        }
    }

    private static func eventTypes(_ receiver: Receiver, _ count: Int) async -> [String] {
        var types: [String] = []
        for await request in receiver.received {
            let event = (try? JSON(parsing: request.body))?["event"]
            types.append(event?["event_type"]?.string ?? "")
            if types.count == count { break }
        }
        return types
    }

    func testAReceiverThatIsAwayIsTriedAgainWhenTimePasses() async throws {
        let clock = SandboxClock.standing(atMilliseconds: 1_772_442_904_250)
        try await Sandbox.running(clock: clock) { sandbox in
            let body: JSON = ["url": "http://127.0.0.1:9/unused"]
            await sandbox.control("POST", "/_sandbox/pagerduty/subscriptions", body)
            await sandbox.control(
                "POST", "/_sandbox/pagerduty/act", ["do": "trigger", "title": "Down"])
            let early = await sandbox.settled(within: .seconds(0.05))
            XCTAssertFalse(early)
            // Time stands still: only moving it past the window ends the repetition.
            var isSettled = false
            while !isSettled {
                await sandbox.control("POST", "/_sandbox/clock", ["advanceSeconds": 90_000])
                isSettled = await sandbox.settled(within: .seconds(0.05))
            }
            let log = await sandbox.control("GET", "/_sandbox/deliveries")
            XCTAssertEqual(log.body["deliveries"]?[0]?["state"], "dropped")
        }
    }

    func testDroppedConnections() async throws {
        try await Sandbox.running { sandbox in
            let client = try HTTPClient()
            for (fault, effect) in [("drop", 0), ("dropAfterEffect", 1)] {
                await sandbox.control("POST", "/_sandbox/reset")
                await sandbox.control(
                    "POST", "/_sandbox/faults",
                    ["vendor": "pagerduty", "fault": .string(fault)])
                do {
                    let answer = try await client.send(
                        pagerDuty(sandbox, "POST", "/incidents", incident))
                    XCTFail("answered \(answer.status)")
                } catch {
                    guard case HTTPClientError.unknownOutcome = error else {
                        return XCTFail("\(error)")
                    }
                }
                let state = await sandbox.control("GET", "/_sandbox/pagerduty")
                XCTAssertEqual(state.body["incidents"]?.array?.count, effect, fault)
            }
        }
    }

    func testHangingCallsAreLetGoByAReset() async throws {
        try await Sandbox.running { sandbox in
            await sandbox.control(
                "POST", "/_sandbox/faults", ["vendor": "pagerduty", "fault": "hang"])
            let client = try HTTPClient()
            let request = pagerDuty(sandbox, "POST", "/incidents", incident)
            async let answer = Result { () async throws in try await client.send(request) }
            let call = await sandbox.call { $0.fault == "hang" }
            XCTAssertEqual(call?.status, 0)
            await sandbox.control("POST", "/_sandbox/reset")
            if case .success(let response) = await answer { XCTFail("answered \(response.status)") }
        }
    }

    func testControlOverThePort() async throws {
        try await Sandbox.running { sandbox in
            let client = try HTTPClient()
            for url in [sandbox.pagerDutyURL, sandbox.salesforceURL] {
                let answer = try await client.send(
                    HTTPClientRequest(method: "GET", url: "\(url)/_sandbox"))
                let body = try JSON(parsing: answer.body)
                XCTAssertEqual(body["pagerduty"]?["url"]?.string, sandbox.pagerDutyURL)
                let unknown = try await client.send(
                    HTTPClientRequest(method: "POST", url: "\(url)/_sandbox/nothing"))
                XCTAssertEqual(unknown.status, 404)
            }
            XCTAssertEqual(sandbox.calls.count, 0, "control calls are not the vendors'")
        }
    }
}

extension Result where Success: Sendable, Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
