import Postgres

/// The rate at which signed webhooks are answered 202, as fast as 64 connections can send them. The
/// answer comes after the commit.
struct IngestBenchmark {
    static let connections = 64
    private static let rounds = 3
    private static let duration = Duration.seconds(5)

    let environment: BenchEnvironment

    /// Takes the best of three rounds of each side. The rounds alternate, so that other work of the
    /// machine affects both. A checkpoint before each round writes the pages that the other left.
    func run() async throws -> [Measurement] {
        let database = try await environment.database("bench_ingest", .webhooksOnly())
        let singleInsert = try await SingleInsert(in: environment, on: database)
        let ingest = try await IngestProcess.start(in: environment, on: database)
        defer { ingest.child.stop() }
        let webhooks = Webhooks(incidents: 20_000, signedCount: 500_000)
        let generator = try LoadGenerator(
            port: ingest.port, connections: Self.connections, requests: webhooks)
        var accepted = 0
        var (best, yardstick) = (0.0, 0.0)
        for _ in 0..<Self.rounds {
            try await database.pool.query("CHECKPOINT")
            let inserts = try singleInsert.run(for: Self.duration)
            yardstick = max(yardstick, inserts.transactionsPerSecond)
            try await database.pool.query("CHECKPOINT")
            accepted += try Self.accepted(generator, for: .seconds(1)).count
            let before = try await CPUTime(of: ingest.child, on: database)
            let (rate, count) = try Self.accepted(generator, for: Self.duration)
            accepted += count
            let after = try await CPUTime(of: ingest.child, on: database)
            printProgress(
                "\(short(rate))/s of \(short(yardstick))/s; "
                    + after.text(since: before, per: count, "ingest"))
            best = max(best, rate)
        }
        let logged = try await database.number("SELECT count(*) FROM job")
        guard logged == accepted else {
            throw BenchFailure("\(accepted) were answered 202 but \(logged) are in the log")
        }
        ingest.child.stop()
        try await environment.drop(database)
        let limit = try generatorLimit(webhooks)
        return [
            Measurement(
                name: "ingest", value: best, unit: "accepted/s", yardstick: yardstick,
                goal: ">= 1.0 x pgbench's single INSERT, 64 clients", ok: best >= yardstick),
            Measurement(
                name: "ingest-generator", value: limit, unit: "requests/s", yardstick: best,
                goal: ">= 2 x ingest: the generator is not what is measured",
                ok: limit >= 2 * best),
        ]
    }

    /// - Returns: the rate, and the number of accepted webhooks, also after the time was over.
    static func accepted(
        _ generator: LoadGenerator<Webhooks>, for duration: Duration
    ) throws -> (rate: Double, count: Int) {
        let result = generator.run(.closed, for: duration)
        try result.checkAccepted()
        return (result.perSecond(202), (result.answers[202] ?? 0) + generator.lateAnswers)
    }

    /// Returns the rate of the same requests against a server that only answers.
    private func generatorLimit(_ webhooks: Webhooks) throws -> Double {
        let port = LoopbackAddress.freePort()
        let server = try ChildProcess(
            "\(environment.programs)/bench",
            ["trivial-server", "\(port)", "\(webhooks.template.count)"],
            log: "\(environment.folder)/trivial.log")
        defer { server.stop() }
        let deadline = ContinuousClock.now + .seconds(5)
        while .now < deadline {
            try server.checkRunning()
            let generator = try? LoadGenerator(
                port: port, connections: Self.connections, requests: webhooks)
            if let generator { return generator.run(.closed, for: .seconds(3)).perSecond(202) }
        }
        throw BenchFailure("the trivial server did not listen within 5 s")
    }
}

extension LoadResult {
    /// Throws if a webhook was refused: refusals cost less than commits and would raise the rate.
    func checkAccepted() throws {
        let others = answers.filter { $0.key != 202 }
        guard others.isEmpty, broken == 0 else {
            throw BenchFailure(
                "webhooks were refused (number by status: \(others)), \(broken) connections broke")
        }
    }
}
