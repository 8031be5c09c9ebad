import Models
import Runtime
import Store
import Synchronization

@testable import Ingest

/// The store of ingest in memory. A test sets its condition.
final class FakeIngestStore: Sendable {
    enum Condition: Sendable {
        case available
        case away
        /// Refuses a batch that holds an event of this id.
        case refusing(EventID)
    }

    fileprivate struct Contents {
        var condition = Condition.available
        var configurationIsAway = false
        var version: ConfigurationVersion = 1
        var connections: [Connection] = []
        var unreadable: [ConnectionID: String] = [:]
        var keys: Set<String> = []
        var events: [Event] = []
        var batches: [Int] = []
        var notifications = 0
        var inFlight = 0
        var waiting = 0
        var gate: Latch?
        var entered: Latch?
    }

    private let state = Mutex(Contents())
    private let commitBegan = WakeSignal()

    init(_ connections: [Connection] = []) {
        state.withLock { $0.connections = connections }
    }

    var events: [Event] { state.withLock { $0.events } }
    /// Sizes of the batches, in order.
    var batches: [Int] { state.withLock { $0.batches } }
    /// Events that a commit has begun with.
    var inFlight: Int { state.withLock { $0.inFlight } }
    var notifications: Int { state.withLock { $0.notifications } }

    /// Returns when commits have begun with this many events.
    func begun(with events: Int) async {
        while true {
            let next = commitBegan.next()
            if inFlight >= events { return }
            await next.wait()
        }
    }

    /// Pretends that this many events wait for the workers.
    func setWaiting(_ events: Int) { state.withLock { $0.waiting = events } }

    func become(_ condition: Condition) { state.withLock { $0.condition = condition } }

    func loseConfiguration() { state.withLock { $0.configurationIsAway = true } }

    func configure(_ connections: [Connection], unreadable: [ConnectionID: String] = [:]) {
        state.withLock { state in
            state.version = ConfigurationVersion(state.version.rawValue + 1)
            state.connections = connections
            state.unreadable = unreadable
        }
    }

    /// Lets each commit open `entered` when it begins, and wait for `gate`.
    func hold(until gate: Latch, entered: Latch = Latch()) {
        state.withLock { ($0.gate, $0.entered) = (gate, entered) }
    }

    var asIngestStore: IngestStore {
        IngestStore(
            append: { events throws(StoreError) in try await self.append(events) },
            connections: { version throws(StoreError) in try self.connections(version) },
            depth: { () throws(StoreError) in
                self.state.withLock { [(ConnectionID("acme"), $0.waiting)] }
            },
            notify: { () throws(StoreError) in self.state.withLock { $0.notifications += 1 } })
    }

    private func append(_ events: [NewEvent]) async throws(StoreError) -> [Appended] {
        let (gate, entered) = state.withLock { state in
            state.inFlight += events.count
            return (state.gate, state.entered)
        }
        entered?.open()
        commitBegan.wake()
        // A commit that has begun goes on although its task is cancelled, so the wait has a task of
        // its own.
        await Task { await gate?.wait() }.value
        let result = state.withLock { $0.commit(events) }
        return try result.get()
    }

    private func connections(
        _ version: ConfigurationVersion?
    ) throws(StoreError) -> ActiveConnections? {
        let state = state.withLock { $0 }
        if state.configurationIsAway { throw .unavailable(reason: "gone") }
        if version == state.version { return nil }
        return ActiveConnections(
            version: state.version, connections: state.connections, unreadable: state.unreadable)
    }
}

extension FakeIngestStore.Contents {
    mutating func commit(_ new: [NewEvent]) -> Result<[Appended], StoreError> {
        switch condition {
        case .available: break
        case .away: return .failure(.unavailable(reason: "gone"))
        case .refusing(let id) where new.contains { $0.event.id == id }:
            return .failure(.bug("no"))
        case .refusing: break
        }
        batches.append(new.count)
        return .success(
            new.map { new in
                guard keys.insert("\(new.event.connection) \(new.deduplicationKey)").inserted else {
                    return .duplicate
                }
                events.append(new.event)
                return .accepted(lane: 1, sequence: Int64(events.count))
            })
    }
}
