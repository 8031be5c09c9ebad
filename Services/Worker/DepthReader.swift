import Runtime
import Store

/// Measures regularly what waits in the log, and what could keep the tables from being cleaned.
/// Every worker reports the same numbers, those of the whole database.
struct DepthReader: Sendable {
    let store: Store
    let log: Log
    let jitter: Jitter
    private let lanes: Gauge
    private let readyLanes: Gauge
    private let events: Gauge
    private let oldestSeconds: Gauge
    private let transactionSeconds: Gauge

    private static let interval: ClosedRange<Duration> = .seconds(5)...(.seconds(10))

    init(store: Store, metrics: WorkerMetrics, log: Log, jitter: Jitter = .system) {
        self.store = store
        self.log = log
        self.jitter = jitter
        let registry = metrics.registry
        lanes = registry.gauge("lanes_waiting", "Lanes with events that are not settled.")
        readyLanes = registry.gauge("lanes_ready", "Lanes that are due and not leased.")
        events = registry.gauge("events_waiting", "Events that are not settled.")
        oldestSeconds = registry.gauge(
            "oldest_ready_seconds", "Seconds since the longest waiting lane became due.")
        transactionSeconds = registry.gauge(
            "oldest_transaction_seconds",
            "Age of the oldest open transaction. Tables are not cleaned while it is open.")
    }

    func run(until stop: Latch) async {
        repeat {
            do {
                try await read()
            } catch {
                log.storeFailed(
                    "measuring of the backlog", error, next: "the metrics stay as they are")
            }
        } while !(await stop.wait(atMost: jitter.duration(in: Self.interval)))
    }

    func read() async throws(StoreError) {
        let depths = try await store.recentDepth(ageMax: Self.interval.lowerBound)
        lanes.set(depths.map(\.lanes).reduce(0, +))
        readyLanes.set(depths.map(\.readyLanes).reduce(0, +))
        events.set(depths.map(\.events).reduce(0, +))
        oldestSeconds.set(Int((depths.map(\.oldestDue).max() ?? .zero) / .seconds(1)))
        transactionSeconds.set(Int(try await store.oldestTransactionAge() / .seconds(1)))
    }
}
