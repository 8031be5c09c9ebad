import Dispatch
import Models
import Runtime
import Store
import Synchronization

/// The result of a commit. Only ``AppendQueue`` makes one, after the commit.
struct Receipt: Equatable, Sendable {
    let accepted: Int
    let duplicates: Int

    fileprivate init(_ events: some Sequence<Appended>) {
        var counts = (accepted: 0, duplicates: 0)
        for event in events {
            switch event {
            case .accepted: counts.accepted += 1
            case .duplicate: counts.duplicates += 1
            }
        }
        (accepted, duplicates) = counts
    }
}

/// Group commit. A handler hands in its events with a callback; a writer takes all that have
/// gathered during the commit before and appends them in one. With no commit under way events go
/// at once, so there is no delay to configure.
///
/// A delivery is never split: it is committed whole or not at all.
final class AppendQueue: Sendable {
    /// The events of one delivery, and the callback that answers it.
    private struct PendingAppend: Sendable {
        let events: [NewEvent]
        let answer: @Sendable (Result<Receipt, Rejection>) -> Void

        var size: BatchSize {
            BatchSize(
                count: events.count, bytes: events.reduce(0) { $0 + $1.event.payload.count })
        }
    }

    private typealias Decisions = AppendState<PendingAppend>

    private struct Shared {
        var decisions: Decisions
        /// Writers without a batch; resuming one with nil lets it ask again.
        var idleWriters: [CheckedContinuation<Decisions.WriterAssignment?, Never>] = []
    }

    private let shared: Mutex<Shared>
    private let store: IngestStore
    private let limits: AppendLimits
    private let observer: Observer

    init(store: IngestStore, limits: AppendLimits, observer: Observer) {
        self.store = store
        self.limits = limits
        self.observer = observer
        shared = Mutex(Shared(decisions: AppendState(limits: limits)))
    }

    var waitingEvents: Int { shared.withLock { $0.decisions.waitingEvents } }

    /// Answers when the events are committed. Refuses at once when too many events wait or have
    /// waited too long, when the database is known to be away, or when the queue is closed.
    func append(
        _ events: [NewEvent], answer: @escaping @Sendable (Result<Receipt, Rejection>) -> Void
    ) {
        if events.isEmpty { return answer(.success(Receipt([]))) }
        let pending = PendingAppend(events: events, answer: answer)
        let size = pending.size
        decide { $0.add(pending, size: size, at: .now) }
    }

    /// Commits until `stop` opens and everything that waits is committed. Deliveries that come
    /// later are refused. Cancelled, it refuses those that wait as well.
    func run(until stop: Latch) async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for _ in 0..<limits.writers { group.addTask { await self.write() } }
                await stop.wait()
                decide { $0.close(refusingWaiting: false, at: .now) }
            }
        } onCancel: {
            decide { $0.close(refusingWaiting: true, at: .now) }
        }
    }

    private func write() async {
        var ended: BatchSize?
        while true {
            switch await assignment(after: ended) {
            case .commit(let batch, let size, _):
                await commit(batch)
                ended = size
            case .idle, nil: ended = nil
            case .ended: return
            }
        }
    }

    /// Returns nil after the writer was idle: it has to ask again.
    private func assignment(after ended: BatchSize?) async -> Decisions.WriterAssignment? {
        await withCheckedContinuation { writer in
            let assignment = shared.withLock { shared in
                let assignment = shared.decisions.nextBatch(after: ended, at: .now)
                if case .idle = assignment { shared.idleWriters.append(writer) }
                return assignment
            }
            switch assignment {
            case .commit(_, _, let action):
                writer.resume(returning: assignment)
                perform(action)
            case .idle(let action): perform(action)
            case .ended: writer.resume(returning: assignment)
            }
        }
    }

    private func commit(_ batch: [PendingAppend]) async {
        let began = ContinuousClock.now
        do {
            let appended = try await store.append(batch.flatMap(\.events))
            observer.committed(events: appended.count, after: .now - began)
            shared.withLock { $0.decisions.commitSucceeded(at: .now) }
            answer(batch, with: appended)
        } catch {
            switch error {
            case .unavailable(let reason):
                observer.databaseAway(reason)
                decide { $0.commitFailed(since: began, at: .now) }
                refuse(batch, .unavailable)
            // The database answered, and would answer the same again.
            case .notFound, .schemaMismatch, .missingPartition, .corrupt, .bug, .lostLease,
                .conflict:
                shared.withLock { $0.decisions.commitSucceeded(at: .now) }
                await commitAlone(batch, error.description)
            }
        }
    }

    /// Commits each delivery by itself, so that one that the database refuses takes no other with
    /// it.
    private func commitAlone(_ batch: [PendingAppend], _ reason: String) async {
        if batch.count == 1 {
            observer.databaseRefused(reason, events: batch[0].events)
            return refuse(batch, .unavailable)
        }
        for pending in batch { await commit([pending]) }
    }

    private func answer(_ batch: [PendingAppend], with appended: [Appended]) {
        var rest = appended[...]
        for pending in batch {
            pending.answer(.success(Receipt(rest.prefix(pending.events.count))))
            rest = rest.dropFirst(pending.events.count)
        }
    }

    private func refuse(_ batch: [PendingAppend], _ rejection: Rejection) {
        for pending in batch { pending.answer(.failure(rejection)) }
    }
}

extension AppendQueue {
    private func decide(_ change: (inout Decisions) -> Decisions.AppendAction) {
        perform(shared.withLock { change(&$0.decisions) })
    }

    private func perform(_ action: Decisions.AppendAction) {
        switch action {
        case .none: break
        case .wakeWriter:
            // If no writer is idle, the next one that asks takes the batch.
            shared.withLock { $0.idleWriters.popLast() }?.resume(returning: nil)
        case .wakeAllWriters(let refused):
            let writers = shared.withLock { shared in
                defer { shared.idleWriters = [] }
                return shared.idleWriters
            }
            for writer in writers { writer.resume(returning: nil) }
            refuse(refused, .unavailable)
        case .checkAgain(let pause):
            DispatchQueue.global().asyncAfter(deadline: .now() + pause / .seconds(1)) {
                [weak self] in self?.decide { $0.check(at: .now) }
            }
        case .refuse(let refused, let rejection): refuse(refused, rejection)
        }
    }
}
