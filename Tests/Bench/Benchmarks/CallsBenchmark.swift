import JSON
import Models

/// A storm of incidents, each event of which writes two fields of a linked case: how many calls it
/// takes, and whether every case ends as one call for each event would have left it.
struct CallsBenchmark {
    private static let incidents = 10_000
    private static let eventsPerIncident = 4
    private static let secondsMax = 40.0

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let world = try await LinkedCases(
            Self.incidents,
            settingFields: [
                LinkedCases.numberField: "{{incident.number}}",
                "Description": "Event {{incident.number}}",
            ], name: "bench_calls", in: environment)
        defer { world.sandbox.child.stop() }
        let worker = try await WorkerProcess.start(in: environment, on: world.database)
        defer { worker.child.stop() }
        let ingest = try await IngestProcess.start(in: environment, on: world.database)
        defer { ingest.child.stop() }
        let events = Self.incidents * Self.eventsPerIncident
        var observer = CallObserver(world.sandbox.control, vendor: "salesforce")
        let port = ingest.port
        async let sent: Void = Self.storm(events, at: port)
        let calls = try await count(with: &observer, until: events, world, worker)
        try await sent
        let settled = try await world.database.number("SELECT sum(done)::bigint FROM lane")
        let (ended, wrong) = try await endedCases(world)
        worker.child.stop()
        ingest.child.stop()
        try await environment.drop(world.database)
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

    private static func storm(_ events: Int, at port: Int) async throws {
        let generator = try LoadGenerator(
            port: port, connections: IngestBenchmark.connections,
            requests: Webhooks(incidents: incidents, signedCount: events))
        try generator.run(.closed, seconds: 30, countMax: events).checkAccepted()
    }

    /// Calls until every event has ended, or the time is over.
    private func count(
        with observer: inout CallObserver, until events: Int, _ world: LinkedCases,
        _ worker: WorkerProcess
    ) async throws -> Int {
        var calls = 0
        let end = monotonicNanoseconds() + nanoseconds(Self.secondsMax)
        var isDone = false
        while !isDone, monotonicNanoseconds() < end {
            try worker.child.checkRunning()
            isDone =
                try await world.database.number("SELECT coalesce(sum(done), 0)::bigint FROM lane")
                >= events
            calls += try await observer.next(waitingSeconds: 0.2).count
        }
        return calls
    }

    /// The cases all of whose events have ended, and those of them with a wrong value. The last
    /// event of incident `i` is the one of the highest number with its remainder.
    private func endedCases(_ world: LinkedCases) async throws -> (ended: Int, wrong: Int) {
        let keys = try await world.database.pool.query(
            "SELECT key FROM lane WHERE done = \(Int64(Self.eventsPerIncident))"
        ).decoded(String.self)
        let ended = Set(keys)
        let answer = try await world.sandbox.control.ask("GET", "/salesforce/records/Case")
        var found: [String: JSON] = [:]
        for record in answer["records"]?.array ?? [] {
            if let id = record["Id"]?.string { found[id] = record }
        }
        let last = Self.incidents * (Self.eventsPerIncident - 1) + Webhooks.incidentNumberOffset
        let wrong = world.cases.enumerated().count { incident, id in
            let key = LaneKey.incident(Webhooks.incident(incident)).rawValue
            guard ended.contains(key) else { return false }
            let record = found[id.long]
            return record?["Description"]?.string != "Event \(last + incident)"
                || record?[LinkedCases.numberField]?.text.contains("\(last + incident)") != true
        }
        return (ended.count, wrong)
    }
}
