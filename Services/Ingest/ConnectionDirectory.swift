import Models
import Runtime
import Synchronization

/// The connections as the database last told them. A request reads a copy in memory; when the
/// database is away the last good copy stays.
final class ConnectionDirectory: Sendable {
    private struct Copy {
        var version: Int64
        var connections: [ConnectionID: Connection]
    }

    private let copy = Mutex<Copy?>(nil)
    private let store: IngestStore
    private let refreshSeconds: Double
    private let log: Log

    init(store: IngestStore, refreshSeconds: Double, log: Log) {
        self.store = store
        self.refreshSeconds = refreshSeconds
        self.log = log
    }

    var isLoaded: Bool { version != nil }
    var version: Int64? { copy.withLock { $0?.version } }

    /// `nil` for an unknown one. Until the first copy is there nobody knows, which is our trouble.
    func connection(_ id: ConnectionID) throws(Rejection) -> Connection? {
        let connections = copy.withLock { $0?.connections }
        guard let connections else { throw .unavailable }
        return connections[id]
    }

    func run(until stop: Latch) async {
        repeat { await refresh() } while await !stop.wait(atMost: .seconds(refreshSeconds))
    }

    private func refresh() async {
        do {
            guard let (version, connections) = try await store.connections(self.version) else {
                return
            }
            let byID = Dictionary(connections.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
            copy.withLock { $0 = Copy(version: version, connections: byID) }
            log.info(
                "configuration loaded",
                ["version": .integer(Int(version)), "connections": .integer(byID.count)])
        } catch {
            log.warning("configuration not refreshed", ["reason": "\(error)"])
        }
    }
}
