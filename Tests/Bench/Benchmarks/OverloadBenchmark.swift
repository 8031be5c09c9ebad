import Models
import Postgres

/// Three times as many webhooks as the door can take, due independently of its answers: everybody
/// is answered in time, and what was answered 202 stands in the log.
///
/// There are more connections than requests that the door works on at once, so that it is the door
/// that turns requests away. Times run from when a request was sent: until then it waits for a free
/// connection of the generator. What it could not get in is told by the rate that was offered in
/// truth: it shares two cores with all that it measures, so where these are what is short
/// (`.computing`) nobody can send three times as much.
struct OverloadBenchmark {
    private static let connections = 2_000
    private static let factor = 3.0
    private static let seconds = 12.0
    private static let answerMillisecondsMax = 1000.0

    /// What there is not enough of.
    private enum Bottleneck: String {
        case computing = "overload"
        /// Each commit takes a tenth of a second, as on a disk that has its own storm.
        case disk = "overload-disk"

        /// Of the closed loop that finds out what is sustained.
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
        _ = try IngestBenchmark.accepted(closed, seconds: 1)
        let (rate, _) = try IngestBenchmark.accepted(closed, seconds: 4)
        let first = closed.nextNumber
        let open = try LoadGenerator(
            port: ingest.port, connections: Self.connections, requests: webhooks,
            firstNumber: first)
        let before = try await CPUTime(of: ingest.child, on: database)
        let result = open.run(
            .open(ratePerSecond: Self.factor * rate), seconds: Self.seconds)
        let after = try await CPUTime(of: ingest.child, on: database)
        let sent = open.nextNumber - first
        printProgress(
            "\(short(rate))/s sustained; of \(sent) sent in \(short(result.seconds)) s "
                + "\(result.accepted.count) accepted, from sending p50 "
                + "\(short(result.service.milliseconds(quantile: 0.5))) ms, p99 "
                + "\(short(result.service.milliseconds(quantile: 0.99))) ms; "
                + after.since(before, per: sent, "ingest"))
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
        let amiss = others + result.unhelpful + result.broken
        let max = Int(answerMillisecondsMax)
        return [
            Measurement(
                name: name, value: slowest, unit: "ms slowest answer",
                goal: "<= \(max) ms from sending", ok: slowest <= answerMillisecondsMax),
            Measurement(
                name: "\(name)-offered", value: Double(sent) / result.seconds,
                unit: "requests/s sent", yardstick: rate,
                goal: "\(Int(factor)) x what is sustained; \(result.unsent) were due and not sent",
                ok: Double(sent) / result.seconds >= 0.95 * factor * rate),
            Measurement(
                name: "\(name)-answers", value: Double(amiss), unit: "neither 202 nor 503",
                goal: "0 of \(sent): each 202, or 503 with Retry-After", ok: amiss == 0),
            Measurement(
                name: "\(name)-accepted", value: result.perSecond(202), unit: "accepted/s",
                yardstick: rate, goal: ">= 0.5 x what is sustained: refusing is cheap",
                ok: result.perSecond(202) >= 0.5 * rate),
            Measurement(
                name: "\(name)-log", value: Double(missing), unit: "events amiss in the log",
                goal: "0: each 202 stands there once, and nothing that was not sent",
                ok: missing == 0),
        ]
    }
}

extension BenchDatabase {
    /// For sessions that begin from now on: whoever flushes the log waits first.
    fileprivate func slowDownCommits() async throws {
        for (setting, value) in [("commit_delay", 100_000), ("commit_siblings", 0)] {
            try await pool.query(
                "ALTER DATABASE \(unescaped: name) SET \(unescaped: setting) = \(unescaped: "\(value)")"
            )
        }
    }

    /// Accepted ones of these requests that are not in the log, and what is there and was not sent.
    fileprivate func missing(
        _ accepted: [Int], from first: Int, sent: Int
    ) async throws -> Int {
        let names = try await pool.query("SELECT event_id FROM job").decoded(String.self)
        let numbers = names.compactMap(Webhooks.number(ofEvent:)).filter { $0 >= first }
        let logged = Set(numbers)
        let strangers =
            logged.filter { $0 >= first + sent }.count + names.count
            - Set(names).count
        return accepted.filter { !logged.contains($0) }.count + strangers
            + (accepted.count - Set(accepted).count)
    }
}
