import Models
import Postgres

/// The CPU time of an ingest, a worker and Postgres while no event arrives. All events of the log's
/// 100,000 lanes are settled.
struct RestBenchmark {
    private static let lanes = 100_000
    private static let duration = Duration.seconds(20)

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let database = try await environment.database(
            "bench_rest", .webhooksOnly(rulesets: [try BenchRules.unmatched(20)]))
        try await database.append(0..<Self.lanes, of: Webhooks(incidents: Self.lanes))
        try await database.markAllSettled()
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        let ingest = try await IngestProcess.start(in: environment, on: database)
        defer { ingest.child.stop() }
        // The work of starting is not measured.
        await pause(for: .seconds(3))
        let start = ContinuousClock.now
        let services = try await CPUTime(of: [worker.child, ingest.child], on: database)
        let ingestAlone = try await CPUTime(of: ingest.child, on: database)
        await pause(for: Self.duration)
        let (programs, server) = try await CPUTime(
            of: [worker.child, ingest.child], on: database
        ).used(since: services)
        let ingestTime = try await CPUTime(of: ingest.child, on: database)
            .used(since: ingestAlone).programs
        let passed = ContinuousClock.now - start
        try worker.child.checkRunning()
        try ingest.child.checkRunning()
        worker.child.stop()
        ingest.child.stop()
        try await environment.drop(database)
        func percent(_ time: Duration) -> Double { time / passed * 100 }
        printProgress(
            "ingest \(short(percent(ingestTime))) %, "
                + "worker \(short(percent(programs - ingestTime))) %, "
                + "Postgres \(short(percent(server))) % of a core")
        let share = percent(programs + server)
        return [
            Measurement(
                name: "rest", value: share, unit: "% of a core", goal: "< 1 %", ok: share < 1)
        ]
    }
}

extension BenchDatabase {
    /// Writes the settlement of every appended event.
    fileprivate func markAllSettled() async throws {
        try await pool.query(
            """
            INSERT INTO settlement (segment, lane_id, sequence, attempt, outcome)
            SELECT segment, lane_id, sequence, 1, 'unmatched' FROM job
            """)
        try await pool.query("UPDATE lane SET state = 0, done = tail, epoch = 1")
        try await pool.query("VACUUM (ANALYZE) settlement")
        try await vacuumAndCheckpoint()
    }
}
