import Models
import Postgres

/// The rate of the same drain with 1, 2, 4 and 8 worker processes over one database. Workers must
/// not slow each other down, and no lane may be leased twice.
struct ScaleBenchmark {
    private static let events = 48_000
    private static let lanes = 9_600
    private static let rules = 20
    private static let workers = [1, 2, 4, 8]
    private static let rounds = 2
    private static let drainMax = Duration.seconds(20)

    let environment: BenchEnvironment

    /// Takes the best of two rounds for each number of workers. The rounds alternate, so that other
    /// work of the machine affects all of them.
    func run() async throws -> [Measurement] {
        let rules = try BenchRules.unmatched(Self.rules)
        let database = try await environment.database(
            "bench_scale", .webhooksOnly(rulesets: [rules]))
        try await database.append(0..<Self.events, of: Webhooks(incidents: Self.lanes))
        var best: [Int: Double] = [:]
        var faults = 0
        for _ in 0..<Self.rounds {
            for count in Self.workers {
                let drained = try await drain(database, workers: count)
                best[count] = max(best[count] ?? 0, drained.perSecond)
                faults += drained.faults
            }
        }
        try await environment.drop(database)
        let one = best[1] ?? 0
        let rates = Self.workers.dropFirst().map { count in
            Measurement(
                name: "scale-\(count)", value: best[count] ?? 0, unit: "settled/s",
                yardstick: one, goal: ">= 0.9 x one worker", ok: (best[count] ?? 0) >= 0.9 * one)
        }
        let leases = Measurement(
            name: "scale-leases", value: Double(faults), unit: "lanes leased twice or lost",
            goal: "0 in all rounds", ok: faults == 0)
        return rates + [leases]
    }

    /// - Returns: the rate, and the number of faults: events missing from the ledger, lanes not
    ///   leased exactly once, and settlements after the lease was lost.
    private func drain(
        _ database: BenchDatabase, workers count: Int
    ) async throws -> (perSecond: Double, faults: Int) {
        try await database.makeAllWait()
        var workers: [WorkerProcess] = []
        defer { for worker in workers { worker.child.stop() } }
        for number in 1...count {
            let name = "scale-\(number)"
            workers.append(
                try await WorkerProcess.start(in: environment, on: database, name: name))
        }
        let before = try await CPUTime(of: workers.map(\.child), on: database)
        try await database.makeAllDue()
        try await database.awaitSettled(
            Int64(Self.events), by: workers[0].child, within: Self.drainMax)
        let rate = try await database.settledPerSecond()
        let after = try await CPUTime(of: workers.map(\.child), on: database)
        var lost = 0.0
        for worker in workers {
            lost += try await environment.metric("leases_lost_total", at: worker.operationsURL)
        }
        // One lease finishes a lane. Its epoch counts the leases.
        let faults = try await database.number(
            """
            SELECT abs((SELECT count(*) FROM settlement) - (SELECT sum(tail) FROM lane))::bigint
                + (SELECT count(*) FROM lane WHERE state <> 0 OR done <> tail OR epoch <> 1)
            """)
        printProgress(
            "\(count) workers: \(short(rate))/s, \(faults) faults, \(Int(lost)) leases lost; "
                + after.text(since: before, per: Self.events, "workers"))
        return (rate, Int(faults) + Int(lost))
    }
}

extension BenchDatabase {
    /// Makes every event wait again, due only later.
    fileprivate func makeAllWait() async throws {
        try await pool.query("TRUNCATE settlement, effect")
        try await pool.query(
            """
            UPDATE lane SET state = 1, done = 0, epoch = 0, attempt = 0, owner = NULL,
                segment = (SELECT min(segment) FROM job), ready_at = now() + interval '1 hour'
            """)
        try await vacuumAndCheckpoint()
    }

    /// Makes every lane due now and notifies all workers.
    fileprivate func makeAllDue() async throws {
        try await pool.query("UPDATE lane SET ready_at = now()")
        try await store.notify()
    }
}
