/// The latency of an ordinary webhook while 1,000 connections send and read one byte at a time.
struct SlowDripBenchmark {
    private static let slowConnections = 1_000
    private static let rounds = 13
    private static let windowDuration = Duration.milliseconds(1500)

    let environment: BenchEnvironment

    /// Alternates windows without and with the slow connections, at half the sustained rate.
    func run() async throws -> [Measurement] {
        let database = try await environment.database("bench_drip", .webhooksOnly())
        let ingest = try await IngestProcess.start(in: environment, on: database)
        defer { ingest.child.stop() }
        let generator = try LoadGenerator(
            port: ingest.port, connections: IngestBenchmark.connections,
            requests: Webhooks(incidents: 20_000, signedCount: 500_000))
        let (full, _) = try IngestBenchmark.accepted(generator, for: .seconds(4))
        var quiet: [Double] = []
        var dripping: [Double] = []
        var cost = (quiet: Duration.zero, dripping: Duration.zero)
        for _ in 0..<Self.rounds {
            var start = try await CPUTime(of: ingest.child, on: database)
            quiet.append(try p99(generator, ratePerSecond: full / 2))
            var end = try await CPUTime(of: ingest.child, on: database)
            cost.quiet += end.used(since: start).programs
            let drip = try ChildProcess(
                "\(environment.programs)/bench",
                ["slow-drip", "\(ingest.port)", "\(Self.slowConnections)"],
                log: "\(environment.folder)/drip.log")
            defer { drip.stop() }
            // All of them connect within a second.
            await pause(for: .milliseconds(1100))
            start = try await CPUTime(of: ingest.child, on: database)
            dripping.append(try p99(generator, ratePerSecond: full / 2))
            end = try await CPUTime(of: ingest.child, on: database)
            cost.dripping += end.used(since: start).programs
            try drip.checkRunning()
        }
        ingest.child.stop()
        try await environment.drop(database)
        func percent(_ time: Duration) -> Double {
            time / (Self.windowDuration * Self.rounds) * 100
        }
        printProgress(
            "ingest used \(short(percent(cost.quiet))) % of a core without the slow connections, "
                + "\(short(percent(cost.dripping))) % with them; p99 in ms without "
                + "\(quiet.map(short).joined(separator: " ")), with "
                + dripping.map(short).joined(separator: " "))
        let (value, yardstick) = (Self.median(dripping), Self.median(quiet))
        return [
            Measurement(
                name: "slow-drip", value: value, unit: "ms p99", yardstick: yardstick,
                goal: "<= 1.2 x without the drip, medians of \(Self.rounds) windows",
                ok: value <= 1.2 * yardstick)
        ]
    }

    private func p99(
        _ generator: LoadGenerator<Webhooks>, ratePerSecond rate: Double
    ) throws -> Double {
        let result = generator.run(.open(ratePerSecond: rate), for: Self.windowDuration)
        try result.checkAccepted()
        return result.latency.milliseconds(quantile: 0.99)
    }

    private static func median(_ values: [Double]) -> Double {
        values.sorted()[values.count / 2]
    }
}
