/// The latency of an accepted webhook at half the rate that `ingest` reaches. Due times do not
/// depend on answers.
struct IngestLatencyBenchmark {
    private static let rounds = 3
    private static let duration = Duration.seconds(5)

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let database = try await environment.database("bench_latency", .webhooksOnly())
        let singleInsert = try await SingleInsert(in: environment, on: database)
        let ingest = try await IngestProcess.start(in: environment, on: database)
        defer { ingest.child.stop() }
        let generator = try LoadGenerator(
            port: ingest.port, connections: IngestBenchmark.connections,
            requests: Webhooks(incidents: 20_000, signedCount: 500_000))
        let (full, _) = try IngestBenchmark.accepted(generator, for: .seconds(4))
        let rate = full / 2
        var ours: [Histogram] = []
        var theirs: [Histogram] = []
        for _ in 0..<Self.rounds {
            let inserts = try singleInsert.run(for: Self.duration, ratePerSecond: rate)
            theirs.append(inserts.latency)
            let result = generator.run(
                .open(ratePerSecond: rate), for: Self.duration)
            try result.checkAccepted()
            guard result.unsent == 0 else {
                throw BenchFailure("\(result.unsent) webhooks could not be sent at \(rate)/s")
            }
            ours.append(result.latency)
        }
        ingest.child.stop()
        try await environment.drop(database)
        return Self.measurements(ours, theirs)
    }

    /// Compares the round with the lowest latency of each side.
    private static func measurements(_ ours: [Histogram], _ theirs: [Histogram]) -> [Measurement] {
        func best(_ rounds: [Histogram], _ quantile: Double) -> Double {
            rounds.map { $0.milliseconds(quantile: quantile) }.min() ?? 0
        }
        let (p50, p99) = (best(ours, 0.5), best(ours, 0.99))
        let yardstick = best(theirs, 0.99)
        return [
            Measurement(
                name: "ingest-latency", value: p99, unit: "ms p99", yardstick: yardstick,
                goal: "<= 20 ms and <= 4 x pgbench at the same rate",
                ok: p99 <= 20 && p99 <= 4 * yardstick),
            Measurement(
                name: "ingest-latency-p50", value: p50, unit: "ms p50",
                yardstick: best(theirs, 0.5), goal: "<= 3 ms", ok: p50 <= 3),
        ]
    }
}
