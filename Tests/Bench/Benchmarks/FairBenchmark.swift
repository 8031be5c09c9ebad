import Glibc
import JSON
import Models
import Postgres
import Store

/// The time that the events of 199 accounts wait while another account has 100,000 waiting events.
/// Every event causes a call, and each account may make 960 calls a minute.
struct FairBenchmark {
    private static let others = 199
    private static let eventsOfEach = 10
    private static let floodEvents = 100_000
    private static let incidents = 100
    private static let durationMax = Duration.seconds(20)

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let alone = try await p95OfOthers(flooding: false)
        let beside = try await p95OfOthers(flooding: true)
        return [
            Measurement(
                name: "fair", value: beside, unit: "ms p95 of the others", yardstick: alone,
                goal: "<= 2 x without the flood", ok: beside <= 2 * alone)
        ]
    }

    private func p95OfOthers(flooding: Bool) async throws -> Double {
        let sandbox = try await SandboxProcess.start(in: environment)
        defer { sandbox.child.stop() }
        let incidents = try await sandbox.control.makeIncidents(Self.incidents)
        let database = try await environment.database(
            "bench_fair", try await configuration(for: sandbox))
        if flooding { try await flood(database, incidents) }
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        try await sendOthers(database, incidents)
        try await database.awaitSettled(
            Int64(Self.others * Self.eventsOfEach), by: worker.child,
            within: Self.durationMax, where: "connection <> 1")
        let p95 = try await database.p95Milliseconds()
        worker.child.stop()
        try await environment.drop(database)
        return p95
    }

    private static func account(_ number: Int) -> ConnectionID { ConnectionID("account-\(number)") }

    /// Each account has its own key at the one sandbox, because budgets belong to keys.
    private func configuration(for sandbox: SandboxProcess) async throws -> Configuration {
        let rule = BenchRules.rule(
            "note", when: ["always": true], actions: [["type": "addNote", "text": "Noted."]])
        let ruleset = try BenchRules.ruleset("Notes", [rule])
        var entries: [Configuration.ConnectionEntry] = []
        for number in 0...Self.others {
            let key = "u+BenchAccountKey\(100_000 + number)"
            _ = try await sandbox.control.ask("POST", "/pagerduty/keys", ["key": .string(key)])
            let account = PagerDutyAccount(
                apiURL: sandbox.pagerDutyURL, token: SecretText(key), from: "liaison@example.com")
            let connection = Connection(
                id: Self.account(number), name: "Account \(number)", pagerDuty: account)
            entries.append(
                Configuration.ConnectionEntry(connection: connection, rulesets: [ruleset]))
        }
        return Configuration(entries: entries)
    }

    /// Appends the first account's events before the worker starts.
    private func flood(_ database: BenchDatabase, _ incidents: [IncidentID]) async throws {
        for start in stride(from: 0, to: Self.floodEvents, by: 1000) {
            let events = (start..<(start + 1000)).map {
                Self.event($0, of: Self.account(0), on: incidents[$0 % incidents.count])
            }
            _ = try await database.store.append(events)
        }
    }

    /// Appends one event of every other account a second.
    private func sendOthers(_ database: BenchDatabase, _ incidents: [IncidentID]) async throws {
        for round in 0..<Self.eventsOfEach {
            let start = ContinuousClock.now
            let events = (1...Self.others).map {
                Self.event(round, of: Self.account($0), on: incidents[$0 % incidents.count])
            }
            for batch in stride(from: 0, to: events.count, by: 20) {
                let part = events[batch..<min(batch + 20, events.count)]
                _ = try await database.store.append(Array(part))
                try await database.store.notify()
                await pause(until: start + .milliseconds(100 * (batch / 20 + 1)))
            }
        }
    }

    private static func event(
        _ number: Int, of account: ConnectionID, on incident: IncidentID
    ) -> NewEvent {
        let id = "fair-\(number)"
        let payload: JSON = [
            "id": .string(id), "event_type": "incident.escalated", "resource_type": "incident",
            "occurred_at": "2026-01-01T00:00:00.000Z",
            "data": [
                "id": .string(incident.rawValue), "type": "incident", "status": "triggered",
                "number": .number(JSONNumber(number)), "title": "Checkout answers slowly",
                "service": ["id": "PSERVIC", "summary": "Checkout", "type": "service_reference"],
            ],
        ]
        let event = Event(
            id: EventID(id), connection: account, source: .pagerDuty,
            kind: .incident(.escalated), occurredAt: Timestamp(seconds: 1_767_225_600),
            lane: .incident(incident), format: .pagerDutyV3, payload: payload.bytes)
        return NewEvent(event: event, deduplicationKey: id)
    }
}

extension BenchDatabase {
    /// Returns the time between append and settlement of all connections but the first. An event
    /// that still waits counts with the time that it has waited.
    fileprivate func p95Milliseconds() async throws -> Double {
        let rows = try await pool.query(
            """
            SELECT (extract(epoch FROM percentile_disc(0.95) WITHIN GROUP (
                ORDER BY coalesce(settled_at, now()) - appended_at)) * 1000)::float8
            FROM job LEFT JOIN settlement USING (lane_id, sequence, segment)
            WHERE connection <> 1
            """
        ).decoded(Double.self)
        guard let p95 = rows.first else {
            throw BenchFailure("the log holds no event of the other accounts")
        }
        return p95
    }
}
