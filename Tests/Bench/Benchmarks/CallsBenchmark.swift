import JSON
import Models

/// The calls that 40,000 events of 10,000 incidents cost. Each event writes two fields of a linked
/// case, and every case must end with the values that one call for each event would have written.
struct CallsBenchmark {
    private static let incidents = 10_000
    private static let eventsPerIncident = 4
    private static let durationMax = Duration.seconds(40)

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let linked = try await LinkedCases(
            Self.incidents,
            settingFields: [
                LinkedCases.numberField: "{{incident.number}}",
                "Description": "Event {{incident.number}}",
            ], name: "bench_calls", in: environment)
        defer { linked.sandbox.child.stop() }
        let worker = try await WorkerProcess.start(in: environment, on: linked.database)
        defer { worker.child.stop() }
        let ingest = try await IngestProcess.start(in: environment, on: linked.database)
        defer { ingest.child.stop() }
        let events = Self.incidents * Self.eventsPerIncident
        var observer = CallObserver(linked.sandbox.control, vendor: "salesforce")
        let port = ingest.port
        async let sent: Void = Self.send(events, to: port)
        let calls = try await count(with: &observer, until: events, linked, worker)
        try await sent
        let settled = try await linked.database.number("SELECT sum(done)::bigint FROM lane")
        let (ended, wrong) = try await endedCases(linked)
        worker.child.stop()
        ingest.child.stop()
        try await environment.drop(linked.database)
        let perEvent = Double(calls) / Double(max(1, settled))
        return [
            Measurement(
                name: "calls", value: perEvent, unit: "calls/event of \(settled)", yardstick: 1,
                goal: "<= 0.02, all 40000 events, every case as one by one",
                ok: perEvent <= 0.02 && wrong == 0 && settled == events),
            Measurement(
                name: "calls-wrong", value: Double(wrong), unit: "cases of \(ended)",
                goal: "0 with other final values than one by one", ok: wrong == 0 && ended > 0),
        ]
    }

    private static func send(_ events: Int, to port: Int) async throws {
        let generator = try LoadGenerator(
            port: port, connections: IngestBenchmark.connections,
            requests: Webhooks(incidents: incidents, signedCount: events))
        try generator.run(.closed, for: .seconds(30), countMax: events).checkAccepted()
    }

    /// Counts the calls until every event is settled or the time is over.
    private func count(
        with observer: inout CallObserver, until events: Int, _ linked: LinkedCases,
        _ worker: WorkerProcess
    ) async throws -> Int {
        var calls = 0
        let deadline = ContinuousClock.now + Self.durationMax
        var isDone = false
        while !isDone, .now < deadline {
            try worker.child.checkRunning()
            isDone =
                try await linked.database.number("SELECT coalesce(sum(done), 0)::bigint FROM lane")
                >= events
            calls += try await observer.next(waitingAtMost: .milliseconds(200)).count
        }
        return calls
    }

    /// Counts the cases all of whose events are settled, and those of them with a wrong value. The
    /// last event of incident `i` is the one with the highest number whose remainder is `i`.
    private func endedCases(_ linked: LinkedCases) async throws -> (ended: Int, wrong: Int) {
        let keys = try await linked.database.pool.query(
            "SELECT key FROM lane WHERE done = \(Int64(Self.eventsPerIncident))"
        ).decoded(String.self)
        let ended = Set(keys)
        let answer = try await linked.sandbox.control.ask("GET", "/salesforce/records/Case")
        var found: [String: JSON] = [:]
        for record in answer["records"]?.array ?? [] {
            if let id = record["Id"]?.string { found[id] = record }
        }
        let last = Self.incidents * (Self.eventsPerIncident - 1) + Webhooks.incidentNumberOffset
        let wrong = linked.cases.enumerated().count { incident, id in
            let key = LaneKey.incident(Webhooks.incident(incident)).rawValue
            guard ended.contains(key) else { return false }
            let record = found[id.long]
            return record?["Description"]?.string != "Event \(last + incident)"
                || record?[LinkedCases.numberField]?.text.contains("\(last + incident)") != true
        }
        return (ended.count, wrong)
    }
}
