import Runtime
import Store

/// Looks every so often at what waits in the log, and at what could keep it from being tidied.
/// Every worker tells the same, for all.
struct DepthReader: Sendable {
    let store: Store
    let log: Log
    private let lanes: Gauge
    private let readyLanes: Gauge
    private let events: Gauge
    private let oldestSeconds: Gauge
    private let transactionSeconds: Gauge

    private static let pauseSeconds = 5.0...10.0

    init(store: Store, metrics: WorkerMetrics, log: Log) {
        self.store = store
        self.log = log
        let registry = metrics.registry
        lanes = registry.gauge("lanes_waiting", "Lanes with events that are not settled.")
        readyLanes = registry.gauge(
            "lanes_ready", "Lanes that are due and that no worker has.")
        events = registry.gauge("events_waiting", "Events that are not settled.")
        oldestSeconds = registry.gauge(
            "oldest_ready_seconds", "How long the lane that is due longest has waited.")
        transactionSeconds = registry.gauge(
            "oldest_transaction_seconds",
            "Age of the oldest open transaction, which keeps the tables from being cleaned.")
    }

    func run(until stop: Latch) async {
        repeat {
            do throws(StoreError) {
                try await read()
            } catch {
                log.warning("could not read the depth", ["reason": "\(error)"])
            }
        } while !(await stop.wait(atMost: .seconds(Double.random(in: Self.pauseSeconds))))
    }

    func read() async throws(StoreError) {
        let depths = try await store.recentDepth(ageSecondsMax: Self.pauseSeconds.lowerBound)
        lanes.set(depths.map(\.lanes).reduce(0, +))
        readyLanes.set(depths.map(\.readyLanes).reduce(0, +))
        events.set(depths.map(\.events).reduce(0, +))
        oldestSeconds.set(Int(depths.map(\.oldestDueSeconds).max() ?? 0))
        transactionSeconds.set(Int(try await store.oldestTransactionSeconds()))
    }
}
