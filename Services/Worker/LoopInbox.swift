import Synchronization

/// Events for a loop that is busy: they are collected and handed over all at once.
final class LoopInbox<LoopEvent: Sendable>: Sendable {
    private let pending = Mutex<[LoopEvent]>([])
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    init() {
        // One wake-up is enough: the loop then takes everything.
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ event: LoopEvent) {
        pending.withLock { $0.append(event) }
        wakeUp.yield()
    }

    /// Returns all events since the last call and waits while there are none. Returns an empty list
    /// if the task is cancelled.
    func takeAll() async -> [LoopEvent] {
        while true {
            let events = pending.withLock { pending in
                defer { pending = [] }
                return pending
            }
            if !events.isEmpty { return events }
            var iterator = wakeUps.makeAsyncIterator()
            if await iterator.next() == nil { return [] }
        }
    }
}
