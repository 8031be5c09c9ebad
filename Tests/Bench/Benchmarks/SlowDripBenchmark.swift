/// How much longer an honest webhook takes while 1,000 connections send and read a byte at a time.
struct SlowDripBenchmark {
    private static let drips = 1_000
    private static let rounds = 13
    private static let seconds = 1.5

    let environment: BenchEnvironment

    /// Windows without and with the drip in turns, at half the rate that the door sustains.
    func run() async throws -> [Measurement] {
        let database = try await environment.database("bench_drip", .webhooksOnly())
        let ingest = try await IngestProcess.start(in: environment, on: database)
        defer { ingest.child.stop() }
        let generator = try LoadGenerator(
            port: ingest.port, connections: IngestBenchmark.connections,
            requests: Webhooks(incidents: 20_000, signedCount: 500_000))
        let (full, _) = try IngestBenchmark.accepted(generator, seconds: 4)
        var quiet: [Double] = []
        var dripping: [Double] = []
        var cost = (quiet: 0.0, dripping: 0.0)
        for _ in 0..<Self.rounds {
            var start = try await CPUTime(of: ingest.child, on: database)
            quiet.append(try p99(generator, ratePerSecond: full / 2))
            var end = try await CPUTime(of: ingest.child, on: database)
            cost.quiet += end.seconds(since: start).program
            let drip = try ChildProcess(
                "\(environment.programs)/bench",
                ["slow-drip", "\(ingest.port)", "\(Self.drips)"],
                log: "\(environment.folder)/drip.log")
            defer { drip.stop() }
            // In a second all of them are connected.
            await pause(seconds: 1.1)
            start = try await CPUTime(of: ingest.child, on: database)
            dripping.append(try p99(generator, ratePerSecond: full / 2))
            end = try await CPUTime(of: ingest.child, on: database)
            cost.dripping += end.seconds(since: start).program
            try drip.checkRunning()
        }
        ingest.child.stop()
        try await environment.drop(database)
        let time = Double(Self.rounds) * Self.seconds / 100
        printProgress(
            "ingest computed \(short(cost.quiet / time)) % of a core without the drip, "
                + "\(short(cost.dripping / time)) % with it; p99 in ms without "
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
        let result = generator.run(.open(ratePerSecond: rate), seconds: Self.seconds)
        try result.checkAccepted()
        return result.latency.milliseconds(quantile: 0.99)
    }

    private static func median(_ values: [Double]) -> Double {
        values.sorted()[values.count / 2]
    }
}
