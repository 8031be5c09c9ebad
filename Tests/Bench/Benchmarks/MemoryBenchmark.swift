/// Whether the processes stay small and stop growing: resident sizes by the kernel, over a million
/// requests and events, each in a minute.
struct MemoryBenchmark {
    private static let countMax = 1_000_000
    private static let secondsMax = 60.0
    /// More than in `ingest`, so that the million fits into its minute.
    private static let connections = 512

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let database = try await environment.database(
            "bench_memory", .webhooksOnly(rulesets: [try BenchRules.unmatched(20)]))
        let ingest = try await ingestSizes(on: database)
        let worker = try await workerSizes(on: database)
        try await environment.drop(database)
        return [
            ingest.measurement("memory", "MB ingest", megabytesMax: 48, of: Self.countMax),
            worker.measurement("memory-worker", "MB worker", megabytesMax: 96, of: Self.countMax),
        ]
    }

    private func ingestSizes(on database: BenchDatabase) async throws -> ResidentSizes {
        let ingest = try await IngestProcess.start(in: environment, on: database)
        defer { ingest.child.stop() }
        let generator = try LoadGenerator(
            port: ingest.port, connections: Self.connections,
            requests: Webhooks(incidents: 50_000))
        var sizes = ResidentSizes()
        let result = generator.run(
            .closed, seconds: Self.secondsMax, countMax: Self.countMax
        ) { number, _ in
            if (number + 1) % 1000 == 0 { sizes.add(ingest.child.residentBytes, after: number + 1) }
        }
        try result.checkAccepted()
        return sizes
    }

    private func workerSizes(on database: BenchDatabase) async throws -> ResidentSizes {
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        var sizes = ResidentSizes()
        let all = try await database.number("SELECT sum(tail)::bigint FROM lane")
        let end = monotonicNanoseconds() + nanoseconds(Self.secondsMax)
        var done: Int64 = 0
        while done < all, monotonicNanoseconds() < end {
            try worker.child.checkRunning()
            done = try await database.number("SELECT sum(done)::bigint FROM lane")
            sizes.add(worker.child.residentBytes, after: Int(done))
            await pause(seconds: 0.2)
        }
        return sizes
    }
}

/// Resident sizes over the course of a run.
private struct ResidentSizes {
    private var bytes: [Int] = []
    private var count = 0

    mutating func add(_ bytes: Int, after count: Int) {
        self.bytes.append(bytes)
        self.count = max(count, self.count)
    }

    /// The last quarter's mean against the second's: by then a process has what it needs.
    /// What was not run is not shown: fewer than all of them fall short.
    func measurement(
        _ name: String, _ unit: String, megabytesMax: Double, of all: Int
    ) -> Measurement {
        let last = megabytes(quarter: 3)
        let second = megabytes(quarter: 1)
        return Measurement(
            name: name, value: last, unit: unit, yardstick: second,
            goal: "<= \(Int(megabytesMax)) MB, last quarter <= 1.05 x the second, over \(all); "
                + "\(count) done",
            ok: last <= megabytesMax && last <= 1.05 * second && count >= all)
    }

    private func megabytes(quarter: Int) -> Double {
        let part = bytes[(bytes.count * quarter / 4)..<(bytes.count * (quarter + 1) / 4)]
        return Double(part.reduce(0, +)) / Double(max(1, part.count)) / 1_048_576
    }
}
