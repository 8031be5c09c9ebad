/// The resident sizes of `ingest` over a million requests and of `worker` over a million events,
/// each in a minute. They must be small and must stop growing.
struct MemoryBenchmark {
    private static let countMax = 1_000_000
    private static let durationMax = Duration.seconds(60)
    /// More connections than in `ingest`, so that the million fits into the minute.
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
            .closed, for: Self.durationMax, countMax: Self.countMax
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
        let deadline = ContinuousClock.now + Self.durationMax
        var done: Int64 = 0
        while done < all, .now < deadline {
            try worker.child.checkRunning()
            done = try await database.number("SELECT sum(done)::bigint FROM lane")
            sizes.add(worker.child.residentBytes, after: Int(done))
            await pause(for: .milliseconds(200))
        }
        return sizes
    }
}

/// The resident sizes during a run.
private struct ResidentSizes {
    private var bytes: [Int] = []
    private var count = 0

    mutating func add(_ bytes: Int, after count: Int) {
        self.bytes.append(bytes)
        self.count = max(count, self.count)
    }

    /// Compares the mean of the last quarter with that of the second, by when a process has
    /// allocated what it keeps. The goal is missed if fewer than all requests or events were done.
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
