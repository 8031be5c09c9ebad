import HTTP
import Models
import Runtime
import Synchronization

/// The one lock around the state, and the bells that tell of changes.
final class SharedWorld: Sendable {
    /// Rings after every change.
    let bell = WakeSignal()
    /// Rings when calls that hang are to be let go.
    let hangs = WakeSignal()
    let clock: SandboxClock
    private let world: Mutex<World>

    init(_ options: SandboxOptions, clock: SandboxClock) {
        world = Mutex(World(options, at: clock.now()))
        self.clock = clock
    }

    func setURLs(pagerDuty: String, salesforce: String) {
        world.withLock { world in
            world.pagerDuty.url = pagerDuty
            world.salesforce.baseURL = salesforce
        }
    }

    func read<Value: Sendable>(_ body: (World) -> Value) -> Value {
        world.withLock { body($0) }
    }

    func receive(_ request: HTTPRequest, of vendor: Vendor) -> World.Step {
        let call = APICall(request, at: clock.now())
        defer { bell.wake() }
        return world.withLock { $0.receive(call, of: vendor) }
    }

    func control(_ call: APICall) -> HTTPResponse {
        defer { bell.wake() }
        return world.withLock { $0.control(call) }
    }

    func takeDue() -> [Dispatch] {
        let now = clock.now()
        return world.withLock { $0.takeDue(at: now) }
    }

    func settle(_ entry: Outbox.Entry, _ result: DeliveryResult) {
        let now = clock.now()
        defer { bell.wake() }
        world.withLock { $0.settle(entry, result, at: now) }
    }

    /// When the next pause of a delivery ends; `nil` while none pauses or time stands still.
    var secondsToNextDue: Double? {
        guard clock.runs, let due = world.withLock({ $0.outbox.nextDue }) else { return nil }
        return Double(due.milliseconds - clock.milliseconds) / 1000
    }

    /// The first value that `look` finds in the state, now or after a change.
    func wait<Value: Sendable>(
        atMostSeconds seconds: Double, for look: (World) -> Value?
    ) async -> Value? {
        let end = ContinuousClock.now + .milliseconds(Int64(seconds * 1000))
        while true {
            let rung = bell.next()
            if let found = read(look) { return found }
            let left = ContinuousClock.now.duration(to: end)
            if left <= .zero || Task.isCancelled { return nil }
            await rung.wait(atMost: left)
        }
    }
}
