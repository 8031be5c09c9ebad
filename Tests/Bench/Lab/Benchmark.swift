/// A named way to get measurements.
struct Benchmark: Sendable {
    let name: String
    let run: @Sendable (Laboratory) async throws -> [Measurement]

    /// In the order in which they run.
    static let all = [
        Benchmark(name: "ingest") { try await IngestBenchmark(laboratory: $0).run() },
        Benchmark(name: "ingest-latency") {
            try await IngestLatencyBenchmark(laboratory: $0).run()
        },
        Benchmark(name: "drain") { try await DrainBenchmark(laboratory: $0).run() },
        Benchmark(name: "hot-lane") { try await HotLaneBenchmark(laboratory: $0).run() },
        Benchmark(name: "rules") { _ in try RulesBenchmark().run() },
        Benchmark(name: "end-to-end") { try await EndToEndBenchmark(laboratory: $0).run() },
        Benchmark(name: "memory") { try await MemoryBenchmark(laboratory: $0).run() },
        Benchmark(name: "long-transaction") {
            try await LongTransactionBenchmark(laboratory: $0).run()
        },
        Benchmark(name: "calls") { try await CallsBenchmark(laboratory: $0).run() },
        Benchmark(name: "fair") { try await FairBenchmark(laboratory: $0).run() },
        Benchmark(name: "scale") { try await ScaleBenchmark(laboratory: $0).run() },
        Benchmark(name: "overload") { try await OverloadBenchmark(laboratory: $0).run() },
        Benchmark(name: "slow-drip") { try await SlowDripBenchmark(laboratory: $0).run() },
        Benchmark(name: "rest") { try await RestBenchmark(laboratory: $0).run() },
        Benchmark(name: "soak") { try await SoakBenchmark(laboratory: $0).run() },
    ]
}
