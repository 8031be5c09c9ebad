import HTTP
import Models
import Runtime
import Store

/// The process: its parts, and the order in which they start and stop.
struct Ingest: Sendable {
    private let services: ServiceGroup
    private let stopping: Latch
    /// The ports that were bound.
    let publicPort: Int
    let operationsPort: Int

    /// Opens both ports; nothing is served before ``run(until:)``.
    init(
        _ configuration: IngestConfiguration, store: IngestStore, log: Log,
        now: @escaping @Sendable () -> Timestamp = {
            Timestamp(milliseconds: Int64(WallTime.now().milliseconds))
        }
    ) throws(HTTPServerError) {
        let metrics = Metrics()
        let observer = Observer(metrics: metrics, log: log)
        let stopping = Latch()
        let directory = ConnectionDirectory(
            store: store, refreshInterval: configuration.refreshInterval, log: log)
        let backlog = Backlog(
            store: store, eventsMax: configuration.backlogEventsMax,
            refreshInterval: configuration.backlogRefreshInterval, log: log)
        let notifier = WorkerNotifier(store: store, log: log)
        let queue = AppendQueue(
            store: store.notifying(notifier), limits: configuration.append, observer: observer)
        Self.addGauges(to: metrics, queue, directory)
        let admission = RequestAdmission(
            directory: directory, backlog: backlog,
            pagerDutyBytesMax: configuration.pagerDutyBytesMax,
            salesforceBytesMax: configuration.salesforceBytesMax)
        let deliveries = DeliveryHandler(
            admission: admission, queue: queue, observer: observer, now: now)
        let publicServer = try HTTPServer(
            configuration.publicAddress, clientsMax: configuration.clientConnectionsMax,
            handler: HTTPHandler(
                admit: deliveries.admit, respond: deliveries.respond, refused: observer.refused))
        let operations = HTTPOperations(directory: directory, metrics: metrics, stopping: stopping)
        let operationsServer = try HTTPServer(
            configuration.operationsAddress, clientsMax: 64,
            handler: operations.handler)

        (publicPort, operationsPort) = (publicServer.port, operationsServer.port)
        self.stopping = stopping
        services = ServiceGroup(
            [
                .serving("operations server", operationsServer),
                Service("notifier", run: notifier.run),
                Service("append queue", run: queue.run),
                Service("connection directory", run: directory.run),
                Service("backlog", run: backlog.run),
                .serving("public server", publicServer),
            ], grace: configuration.grace, log: log)
    }

    private static func addGauges(
        to metrics: Metrics, _ queue: AppendQueue, _ directory: ConnectionDirectory
    ) {
        metrics.gauge("append_waiting_events", "Events that wait for their commit.") {
            queue.waitingEvents
        }
        metrics.gauge(
            "configuration_version", "Version of the configuration in force; 0 before the first."
        ) { Int(directory.version?.rawValue ?? 0) }
    }

    /// Serves until `stop` opens, then closes the public port, answers the requests that were read,
    /// commits what was accepted, and returns.
    func run(until stop: Latch) async throws(ServiceFailure) {
        async let ending: Void = announce(stop)
        try await services.run(until: stop)
        await ending
    }

    private func announce(_ stop: Latch) async {
        await stop.wait()
        stopping.open()
    }
}

extension IngestStore {
    /// Notifies the workers after every commit.
    fileprivate func notifying(_ notifier: WorkerNotifier) -> IngestStore {
        var store = self
        let append = append
        store.append = { events throws(StoreError) in
            let appended = try await append(events)
            notifier.requestNotification()
            return appended
        }
        return store
    }
}

extension HTTPServer {
    fileprivate convenience init(
        _ address: IngestConfiguration.ListenAddress, clientsMax: Int, handler: HTTPHandler
    ) throws(HTTPServerError) {
        var limits = HTTPServerLimits()
        limits.connectionsMax = clientsMax
        try self.init(host: address.host, port: address.port, limits: limits, handler: handler)
    }
}

extension Service {
    fileprivate static func serving(_ name: String, _ server: HTTPServer) -> Service {
        Service(name) { stop in
            await withDiscardingTaskGroup { group in
                group.addTask {
                    await stop.wait()
                    server.stop()
                }
                await server.run()
                group.cancelAll()
            }
        }
    }
}
