import Automation
import Models
import Runtime
import Store
import Synchronization

/// The runtimes of all connections of the configuration in force. A vendor's session outlives a
/// change of rules: only a connection that itself changed gets a new one. A connection that cannot
/// be read keeps its last runtime.
final class ConnectionRuntimes: Sendable {
    private struct Loaded {
        var version: ConfigurationVersion = -1
        var runtimes: [ConnectionID: ConnectionRuntime] = [:]
        var unreadable: Set<ConnectionID> = []
    }

    private let loaded = Mutex(Loaded())
    private let access: VendorAccess
    private var store: Store { access.store }
    private var log: Log { access.log }

    init(_ access: VendorAccess) { self.access = access }

    subscript(_ id: ConnectionID) -> ConnectionRuntime? { loaded.withLock { $0.runtimes[id] } }

    /// Connections that this worker cannot read: it leases none of their lanes.
    var unreadable: Set<ConnectionID> { loaded.withLock { $0.unreadable } }

    /// The limiters of this vendor for all connections.
    func limiters(of vendor: Vendor) -> [VendorLimiter] {
        loaded.withLock { $0.runtimes.values.flatMap(\.vendors.limiters) }
            .filter { $0.vendor == vendor }
    }

    /// Loads a newer configuration whenever there is one.
    func keepFresh(every interval: Duration, until stop: Latch) async {
        while !(await stop.wait(atMost: interval)) {
            do {
                try await refresh()
            } catch {
                log.storeFailed(
                    "loading of the configuration", error,
                    next: "the version in use stays; retrying in \(interval.text)")
            }
        }
    }

    func refresh() async throws(StoreError) {
        let known = loaded.withLock { $0.version }
        guard let active = try await store.loadConfiguration(newerThan: known) else { return }
        let earlier = loaded.withLock { $0.runtimes }
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
            let next = earlier[id] == nil ? "its lanes are not leased" : "its last version stays"
            log.error(
                "connection cannot be read",
                ["connection": "\(id)", "reason": "\(reason)", "next": "\(next)"])
        }
        let unreadable = Set(active.unreadable.keys).subtracting(runtimes.keys)
        loaded.withLock {
            $0 = Loaded(version: active.version, runtimes: runtimes, unreadable: unreadable)
        }
        log.info(
            "configuration loaded",
            ["version": "\(active.version)", "connections": "\(runtimes.count)"])
    }
}
