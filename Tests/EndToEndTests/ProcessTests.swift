import Crypto
import Foundation
import HTTP
import JSON
import Models
import Sandbox
import XCTest

/// The real executables, ended from outside.
final class ProcessTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("{{event.id}}"))

    func testAWorkerThatIsToldToStopLosesNothing() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            var incidents: [IncidentID] = []
            for _ in 1...10 { incidents.append(try await bridge.trigger()) }
            await bridge.sandbox.settled()
            for number in 1...10 {
                try await bridge.append(incidents.map { Bridge.event($0, number) })
            }
            let first = try bridge.startWorker(for: self)
            _ = try await bridge.call { $0.effects.contains { $0.hasPrefix("incident.annotated") } }
            XCTAssertEqual(first.terminate(), 0, first.logText)
            let held = try await bridge.pool.query(
                "SELECT count(*) FROM lane WHERE state = 2 OR attempt > 0"
            ).decoded(Int.self)
            XCTAssertEqual(held, [0])

            let second = try bridge.startWorker(for: self)
            try await bridge.idle()
            XCTAssertEqual(second.terminate(), 0, second.logText)
            for incident in incidents {
                let notes = await bridge.notes(on: incident)
                XCTAssertEqual(notes, (1...10).map { "\(incident)-\($0)" })
            }
            let attempts = try await bridge.events().compactMap(\.ending?.attempt)
            XCTAssertEqual(Set(attempts), [1])
        }
    }

    /// Everything may come up at once, in any order.
    func testAWorkerWaitsForTheDatabase() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            await bridge.sandbox.settled()
            try await bridge.append(incident, 1)
            try await bridge.database.shut()
            let worker = try bridge.startWorker(for: self)
            let listening = try JSON(parsing: try await worker.line(with: "listening"))
            let port = try XCTUnwrap(listening["operations_port"]?.int)
            _ = try await worker.line(with: "waiting for the database")
            let alive = try await bridge.status(of: "/healthz", port)
            let ready = try await bridge.status(of: "/readyz", port)
            XCTAssertEqual([alive, ready], [200, 503])
            try await bridge.database.reopen()
            try await bridge.reconnect()
            _ = try await worker.line(with: "\"ready\"")
            let readyNow = try await bridge.status(of: "/readyz", port)
            XCTAssertEqual(readyNow, 200)
            try await bridge.idle()
            XCTAssertEqual(worker.terminate(), 0, worker.logText)
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-1"])
        }
    }

    /// Somebody does not want to wait for the call that does not end.
    func testASecondSignalEndsAWorkerAtOnce() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            await bridge.sandbox.settled()
            try await bridge.append(incident, 1)
            await bridge.order(["vendor": "pagerduty", "fault": "hang", "method": "POST"])
            let worker = try bridge.startWorker(for: self, logLevel: "debug")
            _ = try await bridge.call { $0.fault == "hang" }
            worker.signal(SIGTERM)
            _ = try await worker.line(with: "\"stopping\"")
            XCTAssertEqual(worker.terminate(), 128 + SIGTERM)
        }
    }

    /// Whatever the door said yes to is in the log.
    func testAnIngestThatIsToldToStopKeepsItsPromises() async throws {
        try await Bridge.open(for: self, .init()) { bridge in
            let ingest = try RunningProgram(
                "ingest",
                environment: bridge.environment.merging([
                    "LIAISON_INGEST_HOST": "127.0.0.1", "LIAISON_INGEST_PORT": "0",
                    "LIAISON_INGEST_OPERATIONS_PORT": "0",
                ]) { $1 }, for: self)
            let line = try JSON(parsing: try await ingest.line(with: "\"listening\""))
            let port = try XCTUnwrap(line["port"]?.int)
            let accepted = try await withThrowingTaskGroup(of: [String].self) { group in
                for sender in 1...8 {
                    group.addTask { await bridge.deliverUntilRefused(sender, port: port) }
                }
                // In the middle of it.
                try await bridge.eventually("nothing arrives") {
                    try await bridge.events().count > 20
                }
                XCTAssertEqual(ingest.terminate(), 0, ingest.logText)
                return try await group.reduce(into: []) { $0 += $1 }
            }
            XCTAssertGreaterThan(accepted.count, 20)
            let logged = Set(try await bridge.events().map(\.job.event.id.rawValue))
            XCTAssertEqual(accepted.filter { !logged.contains($0) }, [])
        }
    }

    func testTheSandboxStops() async throws {
        let sandbox = try RunningProgram(
            "sandbox",
            environment: [
                "LIAISON_SANDBOX_PAGERDUTY_PORT": "0", "LIAISON_SANDBOX_SALESFORCE_PORT": "0",
            ], for: self)
        _ = try await sandbox.line(with: "listening")
        XCTAssertEqual(sandbox.terminate(), 0, sandbox.logText)
    }

    /// A deadly event may not kill workers for ever, and no other one is blamed for it.
    func testWhatKillsEveryWorkerIsBuriedAlone() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.withWorker { try await bridge.quiet() }
            try await bridge.append((1...4).map { Bridge.event(incident, $0) })
            await bridge.order([
                "vendor": "pagerduty", "fault": "hang", "bodyContains": .string("\(incident)-3"),
                "times": 100,
            ])
            var deaths = 0
            while try await bridge.outcomes().contains("waiting") {
                let worker = try bridge.startWorker(for: self, attemptsMax: 2)
                let seen = deaths
                try await bridge.eventually("nothing happens") {
                    let waiting = try await bridge.outcomes().contains("waiting")
                    return !waiting || bridge.hangs > seen
                }
                deaths = bridge.hangs
                worker.kill()
                try await bridge.expireWorkers()
            }
            // In company, with what is done before it at the head, twice; then alone.
            XCTAssertEqual(deaths, 4)
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied", "applied", "failed: attempts", "applied"])
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, [1, 2, 4].map { "\(incident)-\($0)" })
        }
    }
}

extension Bridge {
    fileprivate var hangs: Int { sandbox.calls.filter { $0.fault == "hang" }.count }

    fileprivate var environment: [String: String] {
        [
            "LIAISON_DATABASE_URL": database.url,
            "LIAISON_MASTER_KEY": Base64.encode(Self.masterKey),
        ]
    }

    fileprivate func startWorker(
        for testCase: XCTestCase, attemptsMax: Int = 8, logLevel: String = "info"
    ) throws -> RunningProgram {
        let own = [
            "LIAISON_WORKER_OPERATIONS_PORT": "0", "LIAISON_WORKER_POLL_SECONDS": "0.1",
            "LIAISON_WORKER_ATTEMPTS_MAX": "\(attemptsMax)", "LIAISON_LOG_LEVEL": logLevel,
        ]
        return try RunningProgram(
            "worker", environment: environment.merging(own) { $1 }, for: testCase)
    }

    fileprivate func status(of path: String, _ port: Int) async throws -> Int {
        let url = "http://127.0.0.1:\(port)\(path)"
        return try await client.send(HTTPClientRequest(method: "GET", url: url)).status
    }

    /// One event after the other; the ids of those that the door said yes to.
    fileprivate func deliverUntilRefused(_ sender: Int, port: Int) async -> [String] {
        var accepted: [String] = []
        for number in 1...100_000 {
            let id = "sent-\(sender)-\(number)"
            let event = Self.event(IncidentID("Q\(sender)"), number).event
            guard let payload = try? JSON(parsing: event.payload) else { break }
            let body = JSON.object(["event": payload.with("id", .string(id))]).bytes
            let code = HMACSHA256.authenticationCode(
                key: Array(Self.webhookSecret.utf8), message: body)
            let request = HTTPClientRequest(
                method: "POST", url: "http://127.0.0.1:\(port)/pagerduty/acme",
                headers: [
                    "Content-Type": "application/json",
                    "X-PagerDuty-Signature": "v1=\(Hex.encode(code))",
                ], body: body)
            guard let response = try? await client.send(request) else { break }
            if response.status == 202 { accepted.append(id) }
        }
        return accepted
    }
}
