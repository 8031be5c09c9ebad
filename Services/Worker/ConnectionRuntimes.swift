import Automation
import Models
import Runtime
import Store
import Synchronization

/// The runtimes of all connections under the configuration in force. A vendor's session outlives a
/// change of rules: only a connection that itself changed gets new ones. A connection that cannot be
/// read keeps the runtime it has.
final class ConnectionRuntimes: Sendable {
    private struct State {
        var version: ConfigurationVersion = -1
        var runtimes: [ConnectionID: ConnectionRuntime] = [:]
        var unreadable: Set<ConnectionID> = []
    }

    private let state = Mutex(State())
    private let access: VendorAccess
    private var store: Store { access.store }
    private var log: Log { access.log }

    init(_ access: VendorAccess) { self.access = access }

    subscript(_ id: ConnectionID) -> ConnectionRuntime? { state.withLock { $0.runtimes[id] } }

    /// Connections that only others may be able to work for.
    var unreadable: Set<ConnectionID> { state.withLock { $0.unreadable } }

    /// Of all connections.
    func limiters(of side: Vendors.Side) -> [VendorLimiter] {
        state.withLock { $0.runtimes.values.flatMap(\.vendors.limiters) }.filter { $0.side == side }
    }

    /// Takes over a newer configuration whenever there is one. Keeps the last good one.
    func keepFresh(everySeconds seconds: Double, until stop: Latch) async {
        while !(await stop.wait(atMost: .seconds(seconds))) {
            do throws(StoreError) {
                try await refresh()
            } catch {
                log.warning("could not read the configuration", ["reason": "\(error)"])
            }
        }
    }

    func refresh() async throws(StoreError) {
        let known = state.withLock { $0.version }
        guard let active = try await store.loadConfiguration(newerThan: known) else { return }
        let earlier = state.withLock { $0.runtimes }
        var runtimes: [ConnectionID: ConnectionRuntime] = [:]
        for entry in active.configuration.entries {
            let id = entry.connection.id
            let kept = earlier[id].flatMap { $0.connection == entry.connection ? $0.vendors : nil }
            runtimes[id] = ConnectionRuntime(
                connection: entry.connection,
                rulebook: Rulebook(
                    connection: id, version: active.version, rulesets: entry.rulesets,
                    mappings: entry.connection.mappings),
                vendors: kept ?? Vendors(entry.connection, access))
        }
        for (id, reason) in active.unreadable {
            runtimes[id] = earlier[id]
            log.error("a connection is unreadable", ["connection": "\(id)", "reason": "\(reason)"])
        }
        let unreadable = Set(active.unreadable.keys).subtracting(runtimes.keys)
        state.withLock {
            $0 = State(version: active.version, runtimes: runtimes, unreadable: unreadable)
        }
        log.info(
            "configuration", ["version": "\(active.version)", "connections": "\(runtimes.count)"])
    }
}
