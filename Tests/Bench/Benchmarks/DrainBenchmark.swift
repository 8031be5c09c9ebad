import Models
import Postgres

/// One worker, everything appended before it starts, 20 rules evaluated for each event, no call
/// due.
struct DrainBenchmark {
    private static let events = 200_000
    private static let lanes = 20_000
    private static let rules = 20
    private static let goalPerSecond = 20_000.0

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let rules = try BenchRules.unmatched(Self.rules)
        let database = try await environment.database(
            "bench_drain", .webhooksOnly(rulesets: [rules]))
        try await database.append(0..<Self.events, of: Webhooks(incidents: Self.lanes))
        try await database.settle()
        let bare = try await BareLease(in: environment, on: database)
        var yardstick = 0.0
        for clients in [1, 2, 4] {
            let rate = try await bare.run(clients: clients, lanes: Self.lanes)
            yardstick = max(yardstick, rate)
        }
        try await database.pool.query("CHECKPOINT")
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        let before = try await CPUTime(of: worker.child, on: database)
        try await database.awaitSettled(
            Int64(Self.events), by: worker.child, withinSeconds: 40)
        let rate = try await database.settledPerSecond()
        let after = try await CPUTime(of: worker.child, on: database)
        let settled = try await database.number("SELECT sum(done)::bigint FROM lane")
        let exchanges = try await worker.exchanges(askedWith: environment.http)
        printProgress(
            after.since(before, per: Int(settled), "worker")
                + "; \(short(Double(settled) / exchanges.count)) events an exchange, which took "
                + "\(short(exchanges.seconds / exchanges.count * 1000)) ms")
        worker.child.stop()
        try await environment.drop(database)
        return [
            Measurement(
                name: "drain", value: rate, unit: "settled/s", yardstick: yardstick,
                goal: ">= 20000/s and >= 1.0 x pgbench's bare lease and complete",
                ok: rate >= Self.goalPerSecond && rate >= yardstick)
        ]
    }
}

extension BenchDatabase {
    /// From the first settlement to the last of these lanes by the database's clock: a process's
    /// start and the caller's polling are not counted, nor is the first batch, whose beginning has
    /// no time.
    func settledPerSecond(where lanes: SQL = "true") async throws -> Double {
        let rows = try await pool.query(
            """
            SELECT count(*) FILTER (WHERE settled_at > first),
                extract(epoch FROM max(settled_at) - min(first))::float8
            FROM settlement JOIN lane USING (lane_id),
                (SELECT min(settled_at) AS first FROM settlement) AS start
            WHERE \(lanes)
            """
        ).decoded(Int64.self, Double.self)
        guard let (count, seconds) = rows.first, seconds > 0 else {
            throw BenchFailure("nothing was settled")
        }
        return Double(count) / seconds
    }
}
