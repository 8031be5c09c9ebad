import Models
import Postgres
import Store

/// The rate and the lease time at 5,000 events a second, while an idle transaction keeps vacuum
/// from cleaning the lanes for a minute.
struct LongTransactionBenchmark {
    private static let ratePerSecond = 5_000
    private static let lanes = 20_000
    private static let windowDuration = Duration.seconds(10)
    private static let holdDuration = Duration.seconds(60)

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let database = try await environment.database(
            "bench_snapshot", .webhooksOnly(rulesets: [try BenchRules.unmatched(20)]))
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        let appender = SteadyAppender(database: database, ratePerSecond: Self.ratePerSecond)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await appender.run(Webhooks(incidents: Self.lanes)) }
            await pause(for: .seconds(5))
            let before = try await window(database, worker)
            let snapshot = try await idleTransaction(on: database)
            await pause(for: Self.holdDuration - Self.windowDuration)
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
        let meanExchange: Duration
    }

    private static func measurements(_ before: Window, _ after: Window) -> [Measurement] {
        let (rate, lease) = (after.settledPerSecond, after.meanExchange.milliseconds)
        return [
            Measurement(
                name: "long-transaction", value: rate, unit: "settled/s",
                yardstick: before.settledPerSecond,
                goal: ">= 0.9 x before the snapshot was held, and of the \(ratePerSecond)/s due",
                ok: rate >= 0.9 * max(before.settledPerSecond, Double(ratePerSecond))),
            Measurement(
                name: "long-transaction-lease", value: lease, unit: "ms mean exchange",
                yardstick: before.meanExchange.milliseconds, goal: "<= 3 x before",
                ok: lease <= 3 * before.meanExchange.milliseconds),
        ]
    }

    /// Begins a transaction that has read and then does nothing, as in a psql left open.
    private func idleTransaction(on database: BenchDatabase) async throws -> Session {
        let session = Session(to: database.address)
        try await session.open()
        try await session.query("SET idle_in_transaction_session_timeout = 0")
        try await session.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try await session.query("SELECT count(*) FROM lane")
        return session
    }

    private func window(_ database: BenchDatabase, _ worker: WorkerProcess) async throws -> Window {
        let before = try await worker.exchanges(via: environment.http)
        let settledBefore = try await database.number("SELECT sum(done)::bigint FROM lane")
        let start = ContinuousClock.now
        await pause(for: Self.windowDuration)
        let settled = try await database.number("SELECT sum(done)::bigint FROM lane")
        let seconds = (ContinuousClock.now - start).seconds
        let after = try await worker.exchanges(via: environment.http)
        try worker.child.checkRunning()
        let exchanges = max(1, after.count - before.count)
        return Window(
            settledPerSecond: Double(settled - settledBefore) / seconds,
            meanExchange: (after.time - before.time) / exchanges)
    }
}

/// Appends events in batches at a steady rate, and makes up for delays.
struct SteadyAppender {
    let database: BenchDatabase
    let ratePerSecond: Int

    /// Appends until the task is cancelled.
    func run(_ webhooks: Webhooks) async throws {
        let start = ContinuousClock.now
        var appended = 0
        while !Task.isCancelled {
            let due = Int((ContinuousClock.now - start).seconds * Double(ratePerSecond))
            let batch = min(due - appended, 500)
            if batch > 0 {
                let numbers = appended..<(appended + batch)
                _ = try await database.store.append(numbers.map(webhooks.event))
                appended += batch
            }
            if due - appended < 100 { await pause(for: .milliseconds(10)) }
        }
    }
}
