import Foundation
import HTTP
import JSON
import Models
import Sandbox
import XCTest

/// The programs as processes: how they start, stop and die.
final class ProcessTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("{{event.id}}"))

    func testAWorkerThatStopsLosesNothing() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            var incidents: [IncidentID] = []
            for _ in 1...10 { incidents.append(try await rig.trigger()) }
            await rig.sandbox.settled()
            for number in 1...10 {
                try await rig.append(incidents.map { Rig.event($0, number) })
            }
            let first = try rig.startWorker(for: self)
            _ = try await rig.firstCall {
                $0.effects.contains { $0.hasPrefix("incident.annotated") }
            }
            XCTAssertEqual(first.terminate(), 0, first.logText)
            let held = try await rig.pool.query(
                "SELECT count(*) FROM lane WHERE state = 2 OR attempt > 0"
            ).decoded(Int.self)
            XCTAssertEqual(held, [0])

            let second = try rig.startWorker(for: self)
            try await rig.untilIdle()
            XCTAssertEqual(second.terminate(), 0, second.logText)
            for incident in incidents {
                let notes = await rig.notes(on: incident)
                XCTAssertEqual(notes, (1...10).map { "\(incident)-\($0)" })
            }
            let attempts = try await rig.events().compactMap(\.ending?.attempt)
            XCTAssertEqual(Set(attempts), [1])
        }
    }

    /// All programs may start at once, in any order.
    func testAWorkerWaitsForTheDatabase() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            await rig.sandbox.settled()
            try await rig.append(incident, 1)
            try await rig.database.shut()
            let worker = try rig.startWorker(for: self)
            let port = try await worker.number("operations_port", inLineWith: "listening")
            _ = try await worker.line(with: "waiting for the database")
            let alive = try await rig.status(of: "/healthz", port)
            let ready = try await rig.status(of: "/readyz", port)
            XCTAssertEqual([alive, ready], [200, 503])
            try await rig.database.reopen()
            try await rig.reconnect()
            _ = try await worker.line(with: "\"ready\"")
            let readyNow = try await rig.status(of: "/readyz", port)
            XCTAssertEqual(readyNow, 200)
            try await rig.untilIdle()
            XCTAssertEqual(worker.terminate(), 0, worker.logText)
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-1"])
        }
    }

    func testASecondSignalEndsAWorkerAtOnce() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            await rig.sandbox.settled()
            try await rig.append(incident, 1)
            await rig.injectFault(["vendor": "pagerduty", "fault": "hang", "method": "POST"])
            let worker = try rig.startWorker(for: self, ["LIAISON_LOG_LEVEL": "debug"])
            _ = try await rig.firstCall { $0.fault == "hang" }
            worker.signal(SIGTERM)
            _ = try await worker.line(with: "stopping a service")
            XCTAssertEqual(worker.terminate(), 128 + SIGTERM)
        }
    }

    func testEveryEventThatAStoppingIngestAcceptedIsInTheLog() async throws {
        try await Rig.running(for: self, .init()) { rig in
            let (ingest, port) = try await rig.startIngest(for: self)
            let accepted = try await withThrowingTaskGroup(of: [String].self) { group in
                for sender in 1...8 {
                    group.addTask { await rig.deliverUntilRefused(sender, port: port) }
                }
                try await rig.until("events arrive") {
                    try await rig.events().count > 20
                }
                XCTAssertEqual(ingest.terminate(), 0, ingest.logText)
                return try await group.reduce(into: []) { $0 += $1 }
            }
            XCTAssertGreaterThan(accepted.count, 20)
            let logged = Set(try await rig.events().map(\.job.event.id.rawValue))
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

    func testAnEventThatKillsWorkersFailsAndNoOtherEventDoes() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            try await rig.withWorker { try await rig.untilQuiet() }
            try await rig.append((1...4).map { Rig.event(incident, $0) })
            await rig.injectFault([
                "vendor": "pagerduty", "fault": "hang", "bodyContains": .string("\(incident)-3"),
                "times": 100,
            ])
            var deaths = 0
            while try await rig.outcomes().contains("waiting") {
                let worker = try rig.startWorker(
                    for: self, ["LIAISON_WORKER_ATTEMPTS_MAX": "2"])
                let seen = deaths
                try await rig.until("the worker hangs or all is settled") {
                    let waiting = try await rig.outcomes().contains("waiting")
                    return !waiting || rig.hangs > seen
                }
                deaths = rig.hangs
                worker.kill()
                try await rig.expireWorkers()
            }
            // Twice with the other events of its lane, and twice alone.
            XCTAssertEqual(deaths, 4)
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied", "applied", "failed: attempts", "applied"])
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, [1, 2, 4].map { "\(incident)-\($0)" })
        }
    }
}

extension Rig {
    fileprivate var hangs: Int { sandbox.calls.filter { $0.fault == "hang" }.count }

    fileprivate func status(of path: String, _ port: Int) async throws -> Int {
        let url = "http://127.0.0.1:\(port)\(path)"
        return try await client.send(HTTPClientRequest(method: "GET", url: url)).status
    }

    /// Delivers one event after the other. Returns the ids of those that the ingest accepted.
    fileprivate func deliverUntilRefused(_ sender: Int, port: Int) async -> [String] {
        var accepted: [String] = []
        for number in 1...100_000 {
            let id = "sent-\(sender)-\(number)"
            let event = Self.event(IncidentID("Q\(sender)"), number).event
            guard let payload = try? JSON(parsing: event.payload),
                let response = try? await attemptV3(payload.with("id", .string(id)), port: port)
            else { break }
            if response.status == 202 { accepted.append(id) }
        }
        return accepted
    }
}
