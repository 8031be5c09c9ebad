import HTTP
import Postgres
import Runtime
import Store

/// Runs a worker process until it is stopped.
func run(
    _ configuration: WorkerConfiguration, log: Log, until stop: Latch
) async throws(WorkerFailure) {
    var limits = PoolLimits()
    limits.connectionsMax = configuration.limits.databaseConnectionsMax
    // The run of a lane waits until its effects are recorded: as many waiters as lanes.
    limits.waitersMax = configuration.limits.lanesMax * 2 + 16
    limits.waitMax = .seconds(10)
    let store = Store(
        Pool(configuration.database, limits: limits), secretKeys: configuration.secretKeys)
    let worker = try Worker(configuration, store: store, log: log)
    try await worker.run(until: stop)
}

/// The parts of one worker process, in the order in which they start. They stop in the reverse
/// order.
struct Worker: Sendable {
    private let configuration: WorkerConfiguration
    private let store: Store
    private let runtimes: ConnectionRuntimes
    private let metrics: WorkerMetrics
    private let depth: DepthReader
    private let client: HTTPClient
    private let operations: HTTPServer
    /// Opens when the database knows this worker.
    let isRegistered: Latch
    private let log: Log
    private let jitter: Jitter

    init(
        _ configuration: WorkerConfiguration, store: Store, log: Log,
        clocks: Clocks = .system, jitter: Jitter = .system
    ) throws(WorkerFailure) {
        let (limits, metrics, isRegistered) = (configuration.limits, WorkerMetrics(), Latch())
        do {
            client = try HTTPClient(limits: HTTPClientLimits())
        } catch {
            throw .http("\(error)")
        }
        runtimes = ConnectionRuntimes(
            VendorAccess(
                client: client, store: store, limits: limits, meter: metrics.calls,
                clocks: clocks, log: log))
        metrics.watch(runtimes)
        depth = DepthReader(store: store, metrics: metrics, log: log, jitter: jitter)
        operations = try Self.operations(configuration, metrics, isRegistered)
        self.configuration = configuration
        self.store = store
        self.metrics = metrics
        self.isRegistered = isRegistered
        self.log = log
        self.jitter = jitter
    }

    func run(until stop: Latch) async throws(WorkerFailure) {
        let services = [
            Service("operations") { await operations.serve(until: $0) },
            Service("work") { try await work(until: $0) },
        ]
        log.info("listening", ["operations_port": .integer(operations.port)])
        try await run(services, until: stop)
        client.shutdown()
    }

    private func work(until stop: Latch) async throws(WorkerFailure) {
        guard let registration = try await registered(until: stop) else { return }
        let limits = configuration.limits
        let runner = LaneRunner(
            runtimes: runtimes, store: store,
            recorder: EffectRecorder(store: store, limits: limits.journal),
            registration: registration, limits: limits,
            stopping: Latch(), log: log, jitter: jitter)
        let loop = LeaseLoop(
            store: store, registration: registration, limits: limits, metrics: metrics, log: log,
            jitter: jitter, runner: runner)
        let services = [
            Service("registration") { await registration.keep(until: $0) },
            Service("configuration") {
                await runtimes.keepFresh(every: configuration.refreshInterval, until: $0)
            },
            Service("maintenance") {
                await Maintenance(store: store, limits: limits, log: log, jitter: jitter)
                    .run(until: $0)
            },
            Service("depth") { await depth.run(until: $0) },
            Service("listener") { await listen(for: loop, until: $0) },
            Service("lanes") { await run(loop, until: $0) },
        ]
        isRegistered.open()
        log.info("ready", ["worker": "\(registration.worker)"])
        try await run(services, until: stop)
    }

    /// Registers this worker; waits for a database that does not answer yet, so that all programs
    /// may be started at once.
    ///
    /// - Returns: `nil` if the worker is stopped before the database answers.
    private func registered(until stop: Latch) async throws(WorkerFailure) -> Registration? {
        var pause: Duration
        repeat {
            pause = jitter.duration(in: .milliseconds(500)...(.milliseconds(1500)))
            do {
                try await store.requireCurrentSchema()
                try await runtimes.refresh()
                return try await Registration(
                    store: store, name: configuration.name,
                    duration: configuration.limits.leaseDuration, log: log)
            } catch .unavailable(let reason) {
                log.warning(
                    "waiting for the database",
                    ["reason": "\(reason)", "next": "retrying in \(pause.text)"])
            } catch {
                throw .store(error)
            }
        } while !(await stop.wait(atMost: pause))
        return nil
    }

    private func run(_ services: [Service], until stop: Latch) async throws(WorkerFailure) {
        let group = ServiceGroup(services, grace: configuration.stopGrace, log: log)
        do {
            try await group.run(until: stop)
        } catch {
            throw .service(error)
        }
    }

    /// Runs the lease loop. Calls that do not end are cancelled while there is time to give their
    /// lanes back.
    private func run(_ loop: LeaseLoop, until stop: Latch) async {
        let ended = Latch()
        await withDiscardingTaskGroup { group in
            group.addTask {
                await loop.run(until: stop)
                ended.open()
            }
            await stop.wait()
            if !(await ended.wait(atMost: configuration.stopGrace * 0.8)) {
                loop.runner.cancelling.open()
            }
        }
    }

    /// Wakes an idle worker at once when events are appended. A lost notification costs a poll
    /// interval.
    private func listen(for loop: LeaseLoop, until stop: Latch) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in Store.notifications(from: configuration.database) {
                    switch signal {
                    case .notified, .listening: loop.notify()
                    case .unsupported:
                        log.info(
                            "no notifications through a pooler: polling",
                            ["interval": "\(configuration.limits.pollInterval.text)"])
                    }
                }
            }
            await stop.wait()
            group.cancelAll()
        }
    }

    private static func operations(
        _ configuration: WorkerConfiguration, _ metrics: WorkerMetrics, _ isRegistered: Latch
    ) throws(WorkerFailure) -> HTTPServer {
        let operations = HTTPOperations(
            unreadiness: { isRegistered.isOpen ? nil : "The database has not answered yet." },
            metrics: { (Metrics.contentType, metrics.registry.render()) })
        do {
            return try HTTPServer(
                host: configuration.operationsHost, port: configuration.operationsPort,
                limits: HTTPServerLimits(), handler: operations.handler)
        } catch {
            throw .http("\(error)")
        }
    }
}

extension HTTPServer {
    fileprivate func serve(until stop: Latch) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.run() }
            await stop.wait()
            self.stop()
        }
    }
}
