import Dispatch
import Models
import Runtime
import Store
import Synchronization

/// What was committed. Made here, after the commit, and nowhere else.
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

struct AppendLimits: Sendable {
    /// Events in one commit, and the bytes of their payloads. A delivery that holds more by itself
    /// is committed alone.
    var batchEventsMax = 256
    var batchBytesMax = 4 << 20
    /// Events that wait for a commit to begin; the next delivery is refused at once.
    var waitingEventsMax = 8192
    /// Once the first in the row has waited so long for its commit to begin, the next delivery is
    /// refused at once: it would be answered when its sender has given up.
    var waitSecondsMax = 0.8
    /// Commits under way at the same time.
    var writers = 2
    /// For how long events gather beside a commit under way; it may be one that hangs.
    var lingerSecondsMax = 0.02
    /// After the database was away: how long everybody is refused at once before one delivery is
    /// tried again.
    var pauseSeconds = 0.5
}

/// Group commit. A handler puts its events in and waits; a writer takes all that has gathered while
/// the commit before was under way and appends it in one. With no commit under way an event goes
/// at once, so there is no delay to configure.
///
/// A delivery is never split: it is committed whole or not at all.
final class AppendQueue: Sendable {
    /// A delivery's events, and who waits for their commit.
    struct Ticket: Sendable {
        let events: [NewEvent]
        let arrivedAt = ContinuousClock.now
        let answer: @Sendable (Result<Receipt, Rejection>) -> Void

        var payloadBytes: Int { events.reduce(0) { $0 + $1.event.payload.count } }
    }

    private let state: Mutex<AppendState>
    private let store: IngestStore
    private let limits: AppendLimits
    private let observer: Observer

    init(store: IngestStore, limits: AppendLimits, observer: Observer) {
        self.store = store
        self.limits = limits
        self.observer = observer
        state = Mutex(AppendState(limits: limits))
    }

    var waitingEvents: Int { state.withLock { $0.waitingEvents } }

    /// Answers when the events are committed. Refuses at once when too many wait or have waited too
    /// long, when the database is known to be away, or when the queue has stopped.
    func append(
        _ events: [NewEvent], answer: @escaping @Sendable (Result<Receipt, Rejection>) -> Void
    ) {
        if events.isEmpty { return answer(.success(Receipt([]))) }
        let ticket = Ticket(events: events, answer: answer)
        let (entry, pause) = state.withLock { state in
            (state.enter(ticket), state.nextLook(at: ticket.arrivedAt))
        }
        switch entry {
        case .waits: break
        case .wakes(let writer): writer.resume(returning: .look)
        case .refused(let rejection): answer(.failure(rejection))
        }
        look(after: pause)
    }

    private func look(after pause: Duration?) {
        guard let pause else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + pause / .seconds(1)) { [weak self] in
            self?.look()
        }
    }

    private func look() {
        let (writer, pause) = state.withLock { state in
            let now = ContinuousClock.now
            return (state.look(at: now), state.nextLook(at: now))
        }
        writer?.resume(returning: .look)
        look(after: pause)
    }

    /// Commits until `stop` opens and everything that waits is committed. Whoever comes later is
    /// refused. Cancelled, it refuses those who wait.
    func run(until stop: Latch) async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for _ in 0..<limits.writers { group.addTask { await self.write() } }
                await stop.wait()
                close(refusingWaiting: false)
            }
        } onCancel: {
            close(refusingWaiting: true)
        }
    }

    private func write() async {
        var committed = 0
        while true {
            switch await turn(after: committed) {
            case .batch(let batch):
                await commit(batch)
                committed = batch.eventCount
            case .look: committed = 0
            case .ended: return
            }
        }
    }

    private func turn(after committed: Int) async -> AppendState.Turn {
        await withCheckedContinuation { writer in
            let (turn, pause) = state.withLock { state in
                let now = ContinuousClock.now
                let turn = state.takeOrPark(writer, committed: committed, at: now)
                return (turn, state.nextLook(at: now))
            }
            if let turn { writer.resume(returning: turn) }
            look(after: pause)
        }
    }

    private func commit(_ batch: [Ticket]) async {
        let started = ContinuousClock.now
        do {
            let appended = try await store.append(batch.flatMap(\.events))
            observer.committed(events: appended.count, after: .now - started)
            state.withLock { $0.databaseAnswered(at: .now) }
            answer(batch, with: appended)
        } catch {
            switch error {
            case .unavailable(let reason):
                observer.databaseAway(reason)
                let waiting = state.withLock { $0.failed(since: started, at: .now) }
                refuse(batch + waiting, .unavailable)
            // An append holds no lease and expects no version; it is refused like a defect.
            case .defect, .lostLease, .conflict:
                state.withLock { $0.databaseAnswered(at: .now) }
                await commitAlone(batch, "\(error)")
            }
        }
    }

    /// One delivery that the database refuses must not take others with it.
    private func commitAlone(_ batch: [Ticket], _ reason: String) async {
        if batch.count == 1 {
            observer.databaseRefused(reason, events: batch[0].events)
            return refuse(batch, .unavailable)
        }
        for ticket in batch { await commit([ticket]) }
    }

    private func answer(_ batch: [Ticket], with appended: [Appended]) {
        var rest = appended[...]
        for ticket in batch {
            ticket.answer(.success(Receipt(rest.prefix(ticket.events.count))))
            rest = rest.dropFirst(ticket.events.count)
        }
    }

    private func refuse(_ tickets: [Ticket], _ rejection: Rejection) {
        for ticket in tickets { ticket.answer(.failure(rejection)) }
    }

    private func close(refusingWaiting: Bool) {
        let (writers, waiting) = state.withLock { $0.close(refusingWaiting: refusingWaiting) }
        for writer in writers { writer.resume(returning: .ended) }
        refuse(waiting, .unavailable)
    }
}
