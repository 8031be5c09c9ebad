import Models
import Postgres
import Store

/// 5,000 events a second come in and are settled, while a forgotten transaction keeps vacuum from
/// cleaning the lanes for a minute.
struct LongTransactionBenchmark {
    private static let ratePerSecond = 5_000
    private static let lanes = 20_000
    private static let windowSeconds = 10.0
    private static let holdSeconds = 60.0

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let database = try await environment.database(
            "bench_snapshot", .webhooksOnly(rulesets: [try BenchRules.unmatched(20)]))
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        let feeding = SteadyAppender(database: database, ratePerSecond: Self.ratePerSecond)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await feeding.run(Webhooks(incidents: Self.lanes)) }
            await pause(seconds: 5)
            let before = try await window(database, worker)
            let snapshot = try await forgottenTransaction(on: database)
            await pause(seconds: Self.holdSeconds - Self.windowSeconds)
            let after = try await window(database, worker)
            await snapshot.close()
            group.cancelAll()
            try? await group.waitForAll()
            worker.child.stop()
            try await environment.drop(database)
            return Self.measurements(before, after)
        }
    }

    private struct Window {
        let settledPerSecond: Double
        let exchangeMilliseconds: Double
    }

    private static func measurements(_ before: Window, _ after: Window) -> [Measurement] {
        let (rate, lease) = (after.settledPerSecond, after.exchangeMilliseconds)
        return [
            Measurement(
                name: "long-transaction", value: rate, unit: "settled/s",
                yardstick: before.settledPerSecond,
                goal: ">= 0.9 x before the snapshot was held, and of the \(ratePerSecond)/s due",
                ok: rate >= 0.9 * max(before.settledPerSecond, Double(ratePerSecond))),
            Measurement(
                name: "long-transaction-lease", value: lease, unit: "ms mean exchange",
                yardstick: before.exchangeMilliseconds, goal: "<= 3 x before",
                ok: lease <= 3 * before.exchangeMilliseconds),
        ]
    }

    /// A transaction that has read and then does nothing, as a psql that was left open.
    private func forgottenTransaction(on database: BenchDatabase) async throws -> Session {
        let session = Session(to: database.address)
        try await session.open()
        try await session.query("SET idle_in_transaction_session_timeout = 0")
        try await session.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try await session.query("SELECT count(*) FROM lane")
        return session
    }

    private func window(_ database: BenchDatabase, _ worker: WorkerProcess) async throws -> Window {
        let before = try await worker.exchanges(askedWith: environment.http)
        let settledBefore = try await database.number("SELECT sum(done)::bigint FROM lane")
        let start = monotonicNanoseconds()
        await pause(seconds: Self.windowSeconds)
        let settled = try await database.number("SELECT sum(done)::bigint FROM lane")
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        let after = try await worker.exchanges(askedWith: environment.http)
        try worker.child.checkRunning()
        let exchanges = max(1, after.count - before.count)
        return Window(
            settledPerSecond: Double(settled - settledBefore) / seconds,
            exchangeMilliseconds: (after.seconds - before.seconds) / exchanges * 1000)
    }
}

/// Appends at a steady rate, a batch at a time; what it falls behind it catches up.
struct SteadyAppender {
    let database: BenchDatabase
    let ratePerSecond: Int

    /// Until it is cancelled.
    func run(_ webhooks: Webhooks) async throws {
        let start = monotonicNanoseconds()
        var appended = 0
        while !Task.isCancelled {
            let due = Int(Double(monotonicNanoseconds() - start) / 1e9 * Double(ratePerSecond))
            let batch = min(due - appended, 500)
            if batch > 0 {
                let numbers = appended..<(appended + batch)
                _ = try await database.store.append(numbers.map(webhooks.event))
                appended += batch
            }
            if due - appended < 100 { await pause(seconds: 0.01) }
        }
    }
}
