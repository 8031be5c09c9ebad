import Models
import Runtime
import Store
import Synchronization

/// The connections with too many events waiting for the workers. Their further deliveries are
/// refused, so that the vendor keeps them until the workers have caught up.
final class Backlog: Sendable {
    private let full = Mutex<Set<ConnectionID>>([])
    private let store: IngestStore
    private let eventsMax: Int
    private let refreshInterval: Duration
    private let log: Log

    init(store: IngestStore, eventsMax: Int, refreshInterval: Duration, log: Log) {
        self.store = store
        self.eventsMax = eventsMax
        self.refreshInterval = refreshInterval
        self.log = log
    }

    func admit(_ connection: ConnectionID) throws(Rejection) {
        if full.withLock({ $0.contains(connection) }) { throw .backlogged }
    }

    func run(until stop: Latch) async {
        repeat { await refresh() } while await !stop.wait(atMost: refreshInterval)
    }

    private func refresh() async {
        do {
            let now = Set(
                try await store.depth().filter { $0.events >= eventsMax }.map(\.connection))
            let before = full.withLock { full in
                defer { full = now }
                return full
            }
            for connection in now.subtracting(before).sorted() {
                log.error(
                    "deliveries refused: too many events of the connection wait for the workers",
                    ["connection": "\(connection)", "events_max": .integer(eventsMax)])
            }
        } catch {
            log.debug("backlog read failed; reading again", ["reason": "\(error)"])
        }
    }
}
