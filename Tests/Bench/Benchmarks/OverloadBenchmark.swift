import Models
import Postgres

/// The answers to three times as many webhooks as `ingest` sustains, due independently of answers.
/// Every request must be answered in time, and every event answered 202 must be in the log.
///
/// There are more connections than requests that `ingest` admits at once, so that `ingest` is what
/// refuses requests. Times begin when a request is sent, not while it waits for a free connection
/// of the generator. A measurement of its own tells the rate that was really sent: the generator
/// shares two cores with the programs, so it cannot send three times as much where these are the
/// bottleneck (`.computing`).
struct OverloadBenchmark {
    private static let connections = 2_000
    private static let factor = 3.0
    private static let duration = Duration.seconds(12)
    private static let answerMax = Duration.seconds(1)

    /// The resource that limits the rate.
    private enum Bottleneck: String {
        case computing = "overload"
        /// Each commit takes a tenth of a second, as on an overloaded disk.
        case disk = "overload-disk"

        /// The connections of the closed loop that measures the sustained rate.
        var connections: Int {
            switch self {
            case .computing: IngestBenchmark.connections
            case .disk: 1_000
            }
        }
    }

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        try await run(.computing) + run(.disk)
    }

    private func run(_ bottleneck: Bottleneck) async throws -> [Measurement] {
        let database = try await environment.database("bench_overload", .webhooksOnly())
        if bottleneck == .disk { try await database.slowDownCommits() }
        let ingest = try await IngestProcess.start(in: environment, on: database)
        defer { ingest.child.stop() }
        let webhooks = Webhooks(incidents: 20_000, signedCount: 500_000)
        let closed = try LoadGenerator(
            port: ingest.port, connections: bottleneck.connections, requests: webhooks)
        _ = try IngestBenchmark.accepted(closed, for: .seconds(1))
        let (rate, _) = try IngestBenchmark.accepted(closed, for: .seconds(4))
        let first = closed.nextNumber
        let open = try LoadGenerator(
            port: ingest.port, connections: Self.connections, requests: webhooks,
            firstNumber: first)
        let before = try await CPUTime(of: ingest.child, on: database)
        let result = open.run(
            .open(ratePerSecond: Self.factor * rate), for: Self.duration)
        let after = try await CPUTime(of: ingest.child, on: database)
        let sent = open.nextNumber - first
        printProgress(
            "\(short(rate))/s sustained; of \(sent) sent in \(short(result.duration.seconds)) s "
                + "\(result.accepted.count) accepted, from sending p50 "
                + "\(short(result.service.milliseconds(quantile: 0.5))) ms, p99 "
                + "\(short(result.service.milliseconds(quantile: 0.99))) ms; "
                + after.text(since: before, per: sent, "ingest"))
        let missing = try await database.missing(result.accepted, from: first, sent: sent)
        ingest.child.stop()
        try await environment.drop(database)
        return Self.measurements(bottleneck.rawValue, result, of: sent, sustained: rate, missing)
    }

    private static func measurements(
        _ name: String, _ result: LoadResult, of sent: Int, sustained rate: Double, _ missing: Int
    ) -> [Measurement] {
        let slowest = Double(result.service.largest) / 1e6
        let others = result.answers.filter { $0.key != 202 && $0.key != 503 }.values.reduce(0, +)
        let wrong = others + result.withoutRetryAfter + result.broken
        let max = answerMax.milliseconds
        return [
            Measurement(
                name: name, value: slowest, unit: "ms slowest answer",
                goal: "<= \(Int(max)) ms from sending", ok: slowest <= max),
            Measurement(
                name: "\(name)-offered", value: Double(sent) / result.duration.seconds,
                unit: "requests/s sent", yardstick: rate,
                goal: "\(Int(factor)) x what is sustained; \(result.unsent) were due and not sent",
                ok: Double(sent) / result.duration.seconds >= 0.95 * factor * rate),
            Measurement(
                name: "\(name)-answers", value: Double(wrong), unit: "neither 202 nor 503",
                goal: "0 of \(sent): each 202, or 503 with Retry-After", ok: wrong == 0),
            Measurement(
                name: "\(name)-accepted", value: result.perSecond(202), unit: "accepted/s",
                yardstick: rate, goal: ">= 0.5 x what is sustained: refusing is cheap",
                ok: result.perSecond(202) >= 0.5 * rate),
            Measurement(
                name: "\(name)-log", value: Double(missing), unit: "events missing or unexpected",
                goal: "0: each 202 stands there once, and nothing that was not sent",
                ok: missing == 0),
        ]
    }
}

extension BenchDatabase {
    /// Makes each flush of the WAL wait first, in sessions that begin from now on.
    fileprivate func slowDownCommits() async throws {
        for (setting, value) in [("commit_delay", 100_000), ("commit_siblings", 0)] {
            try await pool.query(
                "ALTER DATABASE \(unescaped: name) SET \(unescaped: "\(setting) = \(value)")")
        }
    }

    /// Counts accepted requests that are not in the log, and events of the log that were not sent
    /// or stand there twice.
    fileprivate func missing(
        _ accepted: [Int], from first: Int, sent: Int
    ) async throws -> Int {
        let names = try await pool.query("SELECT event_id FROM job").decoded(String.self)
        let numbers = names.compactMap(Webhooks.number(ofEvent:)).filter { $0 >= first }
        let logged = Set(numbers)
        let unexpected =
            logged.filter { $0 >= first + sent }.count + names.count
            - Set(names).count
        return accepted.filter { !logged.contains($0) }.count + unexpected
            + (accepted.count - Set(accepted).count)
    }
}
