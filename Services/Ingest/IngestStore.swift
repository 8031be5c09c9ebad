import Models
import Postgres
import Store

/// The operations that `ingest` performs on the database.
struct IngestStore: Sendable {
    /// Appends all events or none, in one commit. Returns one result for each event, in order.
    var append: @Sendable ([NewEvent]) async throws(StoreError) -> [Appended]
    /// Returns every connection if the configuration is newer than `version`, else nil.
    var connections:
        @Sendable (_ newerThan: ConfigurationVersion?) async throws(StoreError)
            -> ActiveConnections?
    /// The number of events that wait, for each connection that has any.
    var depth: @Sendable () async throws(StoreError) -> [(connection: ConnectionID, events: Int)]
    /// Notifies waiting workers of new work. A lost notification does no harm: they poll as well.
    var notify: @Sendable () async throws(StoreError) -> Void
}

extension IngestStore {
    /// The store in Postgres. Reading and notifying have a pool of their own: they never wait
    /// behind appends, nor appends behind them.
    static func postgres(_ configuration: IngestConfiguration) -> IngestStore {
        let address = configuration.database
        let log = Store(
            Pool(address, limits: .prompt(connectionsMax: configuration.append.writers)))
        let side = Store(
            Pool(address, limits: .prompt(connectionsMax: 2)),
            secretKeys: configuration.secretKeys)
        return IngestStore(
            append: { events throws(StoreError) in try await log.append(events) },
            connections: { version throws(StoreError) in
                try await side.loadConnections(newerThan: version)
            },
            depth: { () throws(StoreError) in
                try await side.recentDepth().map { ($0.connection, $0.events) }
            },
            notify: { () throws(StoreError) in try await side.notify() })
    }
}

extension PoolLimits {
    /// PagerDuty waits 5 seconds for an answer, Salesforce should get one within 2: a delivery that
    /// waits longer than this for the database is better sent again.
    fileprivate static func prompt(connectionsMax: Int) -> PoolLimits {
        var limits = PoolLimits()
        limits.connectionsMax = connectionsMax
        limits.session.connectMax = .seconds(1)
        limits.session.statementMax = .seconds(3)
        return limits
    }
}
