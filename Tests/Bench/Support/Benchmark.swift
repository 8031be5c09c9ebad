/// A named benchmark, which returns one or more measurements.
struct Benchmark: Sendable {
    let name: String
    let run: @Sendable (BenchEnvironment) async throws -> [Measurement]

    /// All benchmarks, in the order in which they run.
    static let all = [
        Benchmark(name: "ingest") { try await IngestBenchmark(environment: $0).run() },
        Benchmark(name: "ingest-latency") {
            try await IngestLatencyBenchmark(environment: $0).run()
        },
        Benchmark(name: "drain") { try await DrainBenchmark(environment: $0).run() },
        Benchmark(name: "hot-lane") { try await HotLaneBenchmark(environment: $0).run() },
        Benchmark(name: "hot-lane-buffers") {
            try await HotLaneBuffers(environment: $0).run()
        },
        Benchmark(name: "rules") { _ in try RulesBenchmark().run() },
        Benchmark(name: "end-to-end") { try await EndToEndBenchmark(environment: $0).run() },
        Benchmark(name: "memory") { try await MemoryBenchmark(environment: $0).run() },
        Benchmark(name: "long-transaction") {
            try await LongTransactionBenchmark(environment: $0).run()
        },
        Benchmark(name: "calls") { try await CallsBenchmark(environment: $0).run() },
        Benchmark(name: "fair") { try await FairBenchmark(environment: $0).run() },
        Benchmark(name: "scale") { try await ScaleBenchmark(environment: $0).run() },
        Benchmark(name: "overload") { try await OverloadBenchmark(environment: $0).run() },
        Benchmark(name: "slow-drip") { try await SlowDripBenchmark(environment: $0).run() },
        Benchmark(name: "rest") { try await RestBenchmark(environment: $0).run() },
        Benchmark(name: "soak") { try await SoakBenchmark(environment: $0).run() },
    ]
}
