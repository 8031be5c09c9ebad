import Models
import Runtime
import Store
import Synchronization

/// A copy in memory of all connections. While the database is away the last good copy stays, and so
/// does that of a single connection that cannot be read.
final class ConnectionDirectory: Sendable {
    private struct Copy {
        var version: ConfigurationVersion
        var connections: [ConnectionID: Connection]
        /// Connections that exist but could not be read since the start.
        var unreadable: Set<ConnectionID>

        init(_ active: ActiveConnections, after earlier: Copy?) {
            version = active.version
            connections = Dictionary(
                active.connections.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
            for id in active.unreadable.keys { connections[id] = earlier?.connections[id] }
            unreadable = Set(active.unreadable.keys).subtracting(connections.keys)
        }
    }

    private let copy = Mutex<Copy?>(nil)
    private let store: IngestStore
    private let refreshInterval: Duration
    private let log: Log

    init(store: IngestStore, refreshInterval: Duration, log: Log) {
        self.store = store
        self.refreshInterval = refreshInterval
        self.log = log
    }

    var isLoaded: Bool { version != nil }
    var version: ConfigurationVersion? { copy.withLock { $0?.version } }

    /// Returns nil if there is no such connection. Before the first copy that is not known, and the
    /// delivery is refused as unavailable.
    func connection(_ id: ConnectionID) throws(Rejection) -> Connection? {
        let copy = copy.withLock { $0 }
        guard let copy, !copy.unreadable.contains(id) else { throw .unavailable }
        return copy.connections[id]
    }

    func run(until stop: Latch) async {
        repeat { await refresh() } while await !stop.wait(atMost: refreshInterval)
    }

    private func refresh() async {
        do {
            guard let active = try await store.connections(self.version) else { return }
            copy.withLock { $0 = Copy(active, after: $0) }
            log.info(
                "configuration loaded",
                [
                    "version": .integer(Int(active.version.rawValue)),
                    "connections": .integer(active.connections.count),
                ])
            for (id, reason) in active.unreadable {
                log.error(
                    "connection cannot be read; its last good copy stays in use",
                    ["connection": "\(id)", "reason": "\(reason)"])
            }
        } catch {
            log.warning("configuration not refreshed; trying again", ["reason": "\(error)"])
        }
    }
}
