import Crypto
import Models
import Postgres
import Runtime
import Store
import XCTest

@testable import Worker

/// Workers in this process.
extension Rig {
    /// Runs a worker for as long as `body` takes. It is stopped then, and this returns when it has
    /// ended.
    func withWorker<Value: Sendable>(
        _ name: String = "worker", limits adjust: (inout WorkerLimits) -> Void = { _ in },
        graceSeconds: Double = 25, statementSecondsMax: Double = 60,
        log: Log = Log("worker", level: .error),
        _ body: () async throws -> Value
    ) async throws -> Value {
        var limits = options.limits
        adjust(&limits)
        let configuration = WorkerConfiguration(
            name: name, database: database.address, secretKeys: try SecretKeys(Self.masterKey),
            operationsHost: "127.0.0.1", operationsPort: 0, logLevel: .error, limits: limits,
            refreshInterval: .milliseconds(50), stopGrace: .seconds(graceSeconds))
        let pool = database.pool(
            connectionsMax: limits.databaseConnectionsMax, waitersMax: limits.lanesMax * 2 + 16,
            statementSecondsMax: statementSecondsMax)
        defer { pool.close() }
        let worker = try Worker(
            configuration, store: Store(pool, secretKeys: configuration.secretKeys), log: log,
            clocks: clock.clocks)
        return try await whileRunning(worker.run(until:)) {
            await worker.isRegistered.wait(atMost: .seconds(Self.waitSecondsMax))
            return try await body()
        }
    }

    func withWorkers(
        _ count: Int, limits adjust: (inout WorkerLimits) -> Void = { _ in },
        _ body: () async throws -> Void
    ) async throws {
        if count == 0 { return try await body() }
        try await withWorker("worker \(count)", limits: adjust) {
            try await withWorkers(count - 1, limits: adjust, body)
        }
    }

    /// All workers of now count as dead, as if they had not renewed their leases for long.
    func expireWorkers() async throws {
        try await pool.query("UPDATE worker SET expires_at = now() - interval '1 second'")
        _ = try await store.rescue()
        try await store.notify()
    }
}

/// Programs of this build, as processes.
extension Rig {
    func startWorker(
        for testCase: XCTestCase, _ settings: [String: String] = [:]
    ) throws -> RunningProgram {
        let own = [
            "LIAISON_WORKER_OPERATIONS_PORT": "0", "LIAISON_WORKER_POLL_SECONDS": "0.1",
        ]
        return try start("worker", for: testCase, own.merging(settings) { $1 })
    }

    /// Returns the ingest and its public port.
    func startIngest(
        for testCase: XCTestCase, _ settings: [String: String] = [:]
    ) async throws -> (program: RunningProgram, port: Int) {
        let own = [
            "LIAISON_INGEST_HOST": "127.0.0.1", "LIAISON_INGEST_PORT": "0",
            "LIAISON_INGEST_OPERATIONS_PORT": "0",
        ]
        let ingest = try start("ingest", for: testCase, own.merging(settings) { $1 })
        return (ingest, try await ingest.number("port", inLineWith: "\"listening\""))
    }

    private func start(
        _ product: String, for testCase: XCTestCase, _ settings: [String: String]
    ) throws -> RunningProgram {
        let own = [
            "LIAISON_DATABASE_URL": database.url,
            "LIAISON_MASTER_KEY": Base64.encode(Self.masterKey),
        ]
        return try RunningProgram(
            product, environment: own.merging(settings) { $1 }, for: testCase)
    }
}

/// Runs a service for as long as `body` takes, stops it, and returns when it has ended.
func whileRunning<Value: Sendable>(
    _ service: @escaping @Sendable (Latch) async throws -> Void,
    _ body: () async throws -> Value
) async throws -> Value {
    let stop = Latch()
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await service(stop) }
        let value = try await body()
        stop.open()
        try await group.waitForAll()
        return value
    }
}

extension LogSink {
    /// Opens the latch at the first line that holds all these words.
    static func opening(_ latch: Latch, _ words: String...) -> LogSink {
        LogSink { line in
            let text = String(decoding: line, as: UTF8.self)
            if words.allSatisfy(text.contains) { latch.open() }
        }
    }
}
