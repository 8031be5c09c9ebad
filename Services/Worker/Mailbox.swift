import Synchronization

/// What happens to the lease loop while it is busy: collected, and handed over all at once.
final class Mailbox<LoopEvent: Sendable>: Sendable {
    private let letters = Mutex<[LoopEvent]>([])
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    init() {
        // One ring is enough: whoever answers it takes everything.
        (bell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func put(_ letter: LoopEvent) {
        letters.withLock { $0.append(letter) }
        ring.yield()
    }

    /// All letters since the last time; waits while there are none. Empty when cancelled.
    func take() async -> [LoopEvent] {
        while true {
            let taken = letters.withLock { letters in
                defer { letters = [] }
                return letters
            }
            if !taken.isEmpty { return taken }
            var iterator = bell.makeAsyncIterator()
            if await iterator.next() == nil { return [] }
        }
    }
}
