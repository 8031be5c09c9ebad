import HTTP
import Models
import Runtime
import Synchronization

/// The lock around the state, and the signals of its changes.
final class SharedSandboxState: Sendable {
    /// Wakes its waiters after every change.
    let changed = WakeSignal()
    /// Wakes the calls that hang, on a reset and at the stop.
    let hangs = WakeSignal()
    let clock: SandboxClock
    private let state: Mutex<SandboxState>

    init(_ options: SandboxOptions, clock: SandboxClock) {
        state = Mutex(SandboxState(options, at: clock.now()))
        self.clock = clock
    }

    func setURLs(pagerDuty: String, salesforce: String) {
        state.withLock { state in
            state.pagerDuty.url = pagerDuty
            state.salesforce.baseURL = salesforce
        }
    }

    func read<Value: Sendable>(_ body: (SandboxState) -> Value) -> Value {
        state.withLock { body($0) }
    }

    func receive(_ request: HTTPRequest, of vendor: Vendor) -> CallReply {
        let call = APICall(request, at: clock.now())
        defer { changed.wake() }
        return state.withLock { $0.receive(call, of: vendor) }
    }

    func control(_ call: APICall) -> HTTPResponse {
        defer { changed.wake() }
        return state.withLock { $0.control(call) }
    }

    func takeDue() -> [Dispatch] {
        let now = clock.now()
        return state.withLock { $0.takeDue(at: now) }
    }

    func settle(_ entry: OutboxMessage, _ result: DeliveryResult) {
        let now = clock.now()
        defer { changed.wake() }
        state.withLock { $0.settle(entry, result, at: now) }
    }

    /// The time to the end of the earliest pause of a delivery. Nil if no delivery pauses or the
    /// clock stands.
    var timeToNextDue: Duration? {
        guard clock.runs, let due = state.withLock({ $0.outbox.nextDue }) else { return nil }
        return .milliseconds(due.milliseconds - clock.milliseconds)
    }

    /// Returns the first value that `look` finds in the state, now or after a change.
    func wait<Value: Sendable>(
        atMost limit: Duration, for look: (SandboxState) -> Value?
    ) async -> Value? {
        let end = ContinuousClock.now + limit
        while true {
            let change = changed.next()
            if let found = read(look) { return found }
            let left = ContinuousClock.now.duration(to: end)
            if left <= .zero || Task.isCancelled { return nil }
            await change.wait(atMost: left)
        }
    }
}
