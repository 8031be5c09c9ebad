import HTTP
import Postgres
import Runtime
import Store

/// The process: what it owns, in the order in which it starts; it stops in the reverse order.
func run(
    _ configuration: WorkerConfiguration, log: Log, until stop: Latch
) async throws(WorkerFailure) {
    var limits = PoolLimits()
    limits.connectionsMax = configuration.limits.databaseConnectionsMax
    // A turn waits for its effects' records as long as it takes: as many waiters as lanes.
    limits.waitersMax = configuration.limits.lanesMax * 2 + 16
    limits.waitSecondsMax = 10
    let store = Store(
        Pool(configuration.database, limits: limits), secretKeys: configuration.secretKeys)
    let worker = try await Worker(configuration, store: store, log: log)
    try await worker.run(until: stop)
}

/// The parts of one worker process.
struct Worker: Sendable {
    private let configuration: WorkerConfiguration
    private let store: Store
    private let desks: Desks
    private let registration: Registration
    private let loop: LeaseLoop
    private let depth: DepthReader
    private let client: HTTPClient
    private let operations: HTTPServer
    private let log: Log

    init(
        _ configuration: WorkerConfiguration, store: Store, log: Log,
        clocks: Clocks = .system
    ) async throws(WorkerFailure) {
        let limits = configuration.limits
        let metrics = WorkerMetrics()
        do throws(HTTPClientSetupError) {
            client = try HTTPClient(limits: HTTPClientLimits())
        } catch {
            throw .http("\(error)")
        }
        desks = Desks(
            VendorAccess(
                client: client, store: store, limits: limits, meter: metrics.calls,
                clocks: clocks, log: log))
        metrics.watch(desks)
        do throws(StoreError) {
            try await store.requireCurrentSchema()
            try await desks.refresh()
            registration = try await Registration(
                store: store, name: configuration.name, ttlSeconds: limits.leaseSeconds, log: log)
        } catch {
            throw .store(error)
        }
        let turns = Turns(
            desks: desks, store: store,
            recorder: EffectRecorder(store: store, limits: limits.journal),
            registration: registration, limits: limits,
            stopping: Latch(), log: log)
        loop = LeaseLoop(
            store: store, registration: registration, limits: limits, metrics: metrics, log: log,
            turns: turns)
        depth = DepthReader(store: store, metrics: metrics, log: log)
        operations = try Self.operations(configuration, metrics)
        self.configuration = configuration
        self.store = store
        self.log = log
    }

    func run(until stop: Latch) async throws(WorkerFailure) {
        let services = [
            Service("operations") { await operations.serve(until: $0) },
            Service("registration") { await registration.keep(until: $0) },
            Service("configuration") {
                await desks.keepFresh(
                    everySeconds: configuration.refreshSeconds, until: $0)
            },
            Service("caretaker") {
                await Caretaker(store: store, limits: configuration.limits, log: log).run(until: $0)
            },
            Service("depth") { await depth.run(until: $0) },
            Service("listener") { await listen(until: $0) },
            Service("lanes") { await work(until: $0) },
        ]
        let group = ServiceGroup(services, graceSeconds: configuration.graceSeconds, log: log)
        log.info("ready", ["worker": "\(registration.worker)", "port": "\(operations.port)"])
        do throws(ServiceFailure) {
            try await group.run(until: stop)
        } catch {
            throw .service(error)
        }
        client.shutdown()
    }

    /// Calls that do not end are cut off while there is time to give their lanes back.
    private func work(until stop: Latch) async {
        let ended = Latch()
        await withDiscardingTaskGroup { group in
            group.addTask {
                await loop.run(until: stop)
                ended.open()
            }
            await stop.wait()
            let patience = Duration.seconds(configuration.graceSeconds * 0.8)
            if !(await ended.wait(atMost: patience)) { loop.turns.cutOff.open() }
        }
    }

    /// What wakes an idle worker at once. Losing it costs a poll interval.
    private func listen(until stop: Latch) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in Store.pokes(from: configuration.database) {
                    switch signal {
                    case .notified, .listening: loop.poke()
                    case .deaf: log.info("no notifications through a pooler: polling")
                    }
                }
            }
            await stop.wait()
            group.cancelAll()
        }
    }

    private static func operations(
        _ configuration: WorkerConfiguration, _ metrics: WorkerMetrics
    ) throws(WorkerFailure) -> HTTPServer {
        let operations = HTTPOperations(
            unreadiness: { nil },
            metrics: { (Metrics.contentType, metrics.registry.render()) })
        do throws(HTTPServerError) {
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
