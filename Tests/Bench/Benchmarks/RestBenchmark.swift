import Models
import Postgres

/// What everything costs while nothing happens: an ingest, a worker, and a log whose 100,000 lanes
/// have all been worked off.
struct RestBenchmark {
    private static let lanes = 100_000
    private static let seconds = 20.0

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let database = try await environment.database(
            "bench_rest", .webhooksOnly(rulesets: [try BenchRules.unmatched(20)]))
        try await database.append(0..<Self.lanes, of: Webhooks(incidents: Self.lanes))
        try await database.workOff()
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        let ingest = try await IngestProcess.start(in: environment, on: database)
        defer { ingest.child.stop() }
        // What a process does only once is not rest.
        await pause(seconds: 3)
        let start = monotonicNanoseconds()
        let services = try await CPUTime(of: [worker.child, ingest.child], on: database)
        let ingestAlone = try await CPUTime(of: ingest.child, on: database)
        await pause(seconds: Self.seconds)
        let (program, server) = try await CPUTime(
            of: [worker.child, ingest.child], on: database
        ).seconds(since: services)
        let door = try await CPUTime(of: ingest.child, on: database)
            .seconds(since: ingestAlone).program
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        try worker.child.checkRunning()
        try ingest.child.checkRunning()
        worker.child.stop()
        ingest.child.stop()
        try await environment.drop(database)
        func percent(_ time: Double) -> Double { time / seconds * 100 }
        printProgress(
            "ingest \(short(percent(door))) %, worker \(short(percent(program - door))) %, "
                + "Postgres \(short(percent(server))) % of a core")
        let share = percent(program + server)
        return [
            Measurement(
                name: "rest", value: share, unit: "% of a core", goal: "< 1 %", ok: share < 1)
        ]
    }
}

extension BenchDatabase {
    /// As if everything that was appended had been settled.
    fileprivate func workOff() async throws {
        try await pool.query(
            """
            INSERT INTO settlement (segment, lane_id, sequence, attempt, outcome)
            SELECT segment, lane_id, sequence, 1, 'unmatched' FROM job
            """)
        try await pool.query("UPDATE lane SET state = 0, done = tail, epoch = 1")
        try await pool.query("VACUUM (ANALYZE) settlement")
        try await settle()
    }
}
