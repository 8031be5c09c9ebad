import Models
import Postgres

/// The rate at which one worker settles events that were all appended before it starts. It
/// evaluates 20 rules for each event, and none of them causes a call.
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
        try await database.vacuumAndCheckpoint()
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
            Int64(Self.events), by: worker.child, within: .seconds(40))
        let rate = try await database.settledPerSecond()
        let after = try await CPUTime(of: worker.child, on: database)
        let settled = try await database.number("SELECT sum(done)::bigint FROM lane")
        let exchanges = try await worker.exchanges(via: environment.http)
        printProgress(
            after.text(since: before, per: Int(settled), "worker")
                + "; \(short(Double(settled) / exchanges.count)) events an exchange, which took "
                + "\(short(exchanges.time.milliseconds / exchanges.count)) ms")
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
    /// Returns the rate from the first settlement to the last of these lanes, by the database's
    /// clock. It counts neither the start of processes nor the caller's polling. The first batch is
    /// left out, because the time of its beginning is unknown.
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
            throw BenchFailure("fewer than two batches were settled")
        }
        return Double(count) / seconds
    }
}
