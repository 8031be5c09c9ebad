import Models
import Runtime
import Store
import Synchronization

/// The connections as the database last told them. A request reads a copy in memory; when the
/// database is away the last good copy stays, and so does that of a single connection that cannot
/// be read.
final class ConnectionDirectory: Sendable {
    private struct Copy {
        var version: ConfigurationVersion
        var connections: [ConnectionID: Connection]
        /// They exist, but nobody here knows how they are.
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

    /// `nil` for an unknown one. Until the first copy is there nobody knows, which is our trouble.
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
                    "a connection is unreadable", ["connection": "\(id)", "reason": "\(reason)"])
            }
        } catch {
            log.warning("configuration not refreshed", ["reason": "\(error)"])
        }
    }
}
