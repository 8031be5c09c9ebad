import HTTP
import Models
import Runtime
import Store

/// The process: what it owns, and in which order it starts and stops.
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
        metrics.gauge("append_waiting_events", "Events that wait for a commit.") {
            queue.waitingEvents
        }
        metrics.gauge("configuration_version", "Version in force; 0 for none.") {
            Int(directory.version?.rawValue ?? 0)
        }

        let admission = RequestAdmission(
            directory: directory, backlog: backlog,
            pagerDutyBytesMax: configuration.pagerDutyBytesMax,
            salesforceBytesMax: configuration.salesforceBytesMax)
        let receiver = Receiver(admission: admission, queue: queue, observer: observer, now: now)
        let door = try HTTPServer(
            configuration.publicListener, clientsMax: configuration.clientConnectionsMax,
            handler: HTTPHandler(
                admit: receiver.admit, respond: receiver.receive, refused: observer.refused))
        let operations = HTTPOperations(directory: directory, metrics: metrics, stopping: stopping)
        let back = try HTTPServer(
            configuration.operationsListener, clientsMax: 64,
            handler: operations.handler)

        (publicPort, operationsPort) = (door.port, back.port)
        self.stopping = stopping
        services = ServiceGroup(
            [
                .serving("operations", back),
                Service("notifier", run: notifier.run),
                Service("append queue", run: queue.run),
                Service("connection directory", run: directory.run),
                Service("backlog", run: backlog.run),
                .serving("door", door),
            ], grace: configuration.grace, log: log)
    }

    /// Serves until `stop` opens, then closes the door, answers what was read, commits what was
    /// accepted, and returns.
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
    /// Rings after every commit.
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
        _ listener: IngestConfiguration.Listener, clientsMax: Int, handler: HTTPHandler
    ) throws(HTTPServerError) {
        var limits = HTTPServerLimits()
        limits.connectionsMax = clientsMax
        try self.init(host: listener.host, port: listener.port, limits: limits, handler: handler)
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
