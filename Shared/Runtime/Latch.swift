import Synchronization

/// An event that happens once and stays: a stop was asked for, a service has ended.
///
/// Waiting costs no thread. A waiter that is cancelled stops waiting, so ``wait()`` ends in every
/// case; ask ``isOpen`` where the difference matters.
public final class Latch: Sendable {
    private struct Waiters {
        var isOpen = false
        var nextWaiter = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(Waiters())

    public init() {}

    public var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Opens the latch for good and lets every waiter go. Opening it again changes nothing.
    public func open() {
        let released = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for waiter in released { waiter.resume() }
    }

    /// Returns when the latch is open or the calling task is cancelled.
    public func wait() async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    // Cancelled before it began: the handler has already run and found no waiter.
                    guard !state.isOpen, !Task.isCancelled else { return false }
                    state.waiting[waiter] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume()
        }
    }

    /// Waits at most for `limit`. Returns true if the latch is open.
    ///
    /// This is how a loop sleeps: `while await !stop.wait(atMost: interval) { .. }`.
    @discardableResult
    public func wait(atMost limit: Duration) async -> Bool {
        if isOpen { return true }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        return isOpen
    }
}
