import Automation
import Connectors
import Crypto
import Models
import Runtime
import Store
import Synchronization

/// Stands before one vendor of one connection. All workers' limiters of a credential share a row in
/// Postgres: its budget, until when the vendor asked everybody to wait, and whether it is down.
///
/// Whoever is not let through is told when to come back; that costs no attempt.
final class VendorLimiter: Sendable {
    let side: Vendors.Side
    /// For the log.
    private let name: String
    /// Names the credential's row.
    let scope: String
    private let limits: CallSchedulerLimits
    private let store: Store
    private let meter: CallMeter
    private let seconds: @Sendable () -> Double
    private let log: Log
    private let scheduler: Mutex<CallScheduler>
    private let health = Mutex(Health())
    private let wakeSignal = WakeSignal()

    /// What this process knows of the vendor beside the shared row.
    private struct Health {
        var isChecking = false
        var fineUntil = 0.0
    }

    /// A check that found the vendor up is good for so long.
    private static let fineSeconds = 1.0

    init(
        _ side: Vendors.Side, of connection: Connection, limits: CallSchedulerLimits, store: Store,
        meter: CallMeter, seconds: @escaping @Sendable () -> Double, log: Log
    ) {
        self.side = side
        name = "\(side.rawValue):\(connection.id)"
        self.store = store
        self.meter = meter
        self.seconds = seconds
        self.log = log
        self.limits = limits
        scope = side.scope(of: connection)
        scheduler = Mutex(CallScheduler(limits))
    }

    private var now: Double { seconds() }

    /// Why nobody may call, as far as this process knows.
    var closed: CallScheduler.Refusal? { scheduler.withLock { $0.closed(at: now) } }

    /// Calls that were left in the shared budget when it was last asked.
    var left: Int { scheduler.withLock { $0.left } }

    /// As a connector wants it; calls made through it are equally urgent.
    ///
    /// - Parameter mayContinue: whether the lane for which they are made is still this worker's.
    func asCallGate(
        _ urgency: CallUrgency = .ordinary,
        while mayContinue: @escaping @Sendable () -> Bool = { true }
    ) -> CallGate {
        var gate = CallGate(
            enter: { check async throws(Failure) in try await self.enter(urgency, check) },
            leave: { report, check async throws(Failure) in try await self.leave(report, check) })
        gate.mayContinue = mayContinue
        return gate
    }

    func requireOpen() throws(Failure) {
        if let refusal = closed { throw refuse(refusal) }
    }

    func enter(_ urgency: CallUrgency, _ check: CallGate.Check) async throws(Failure) {
        let caller = scheduler.withLock { $0.arrive(urgency, at: now) }
        while true {
            let rung = wakeSignal.next()
            switch scheduler.withLock({ $0.step(of: caller, at: now) }) {
            case .go: return
            case .giveUp(let refusal): throw refuse(refusal)
            case .acquire(let calls):
                await acquire(calls, check)
                wakeSignal.wake()
            case .wait(let seconds):
                await rung.wait(atMost: .seconds(seconds))
                if Task.isCancelled {
                    scheduler.withLock { $0.leave(caller) }
                    throw .interrupted
                }
            }
        }
    }

    /// Learns from how a call ended. A call that failed because the vendor is down fails as one
    /// that was not let through.
    func leave(_ report: CallReport, _ check: CallGate.Check) async throws(Failure) {
        meter.count(report, side)
        if let limit = report.rateLimit, let seconds = limit.pauseSeconds {
            await close(forSeconds: seconds, because: "its limit is nearly reached")
        }
        switch report.failure {
        case .throttled(let cause, let seconds):
            await close(forSeconds: seconds, because: cause.description)
        case .retryable(let cause) where cause.isOfVendor:
            try await suspect(cause, check)
        case .retryable, .permanent, .interrupted, nil:
            break
        }
    }

    private func refuse(_ refusal: CallScheduler.Refusal) -> Failure {
        // Those who are sent away together do not come back together.
        let spread = Double.random(in: 0...min(refusal.seconds / 8, 5))
        let message = "\(side.rawValue) is not called now"
        return .throttled(
            Cause(.liaison, code: refusal.reason.rawValue, message: message),
            retryAfterSeconds: refusal.seconds + spread)
    }

    private func close(forSeconds seconds: Double, because reason: String) async {
        guard scheduler.withLock({ $0.close(.closed, until: now + seconds) }) else { return }
        wakeSignal.wake()
        log.warning("calls pause", ["gate": "\(name)", "reason": "\(reason)"])
        do throws(StoreError) {
            try await store.pause(scope, for: .seconds(min(seconds, 86_400)))
        } catch {
            log.warning("could not tell the others to pause", ["reason": "\(error)"])
        }
    }
}

extension VendorLimiter {
    /// Takes calls out of the shared budget, or learns why there are none.
    private func acquire(_ calls: Int, _ check: CallGate.Check) async {
        do throws(StoreError) {
            switch try await store.take(atMost: calls, from: scope, limits.budget) {
            case .granted(let granted, let left):
                scheduler.withLock { $0.acquired(granted, left: left, at: now) }
            case .exhausted(let pause):
                acquireFailed(retryAfterSeconds: pause / .seconds(1))
            case .paused(let pause):
                acquireFailed()
                scheduler.withLock { _ = $0.close(.closed, until: now + pause / .seconds(1)) }
            case .tripped(let trips, let pause):
                try await wait(
                    for: Breaker(trips: trips, secondsLeft: pause / .seconds(1)), check)
                acquireFailed()
            }
        } catch {
            log.warning("could not ask for calls", ["gate": "\(name)", "reason": "\(error)"])
            acquireFailed(retryAfterSeconds: 0.5)
        }
    }

    private func acquireFailed(retryAfterSeconds seconds: Double = 0) {
        let jitter = Double.random(in: 0..<1)
        scheduler.withLock { $0.acquireFailed(retryAfterSeconds: seconds, at: now, jitter: jitter) }
    }
}

extension VendorLimiter {
    /// A call got no answer, or one that says that the vendor is in trouble.
    private func suspect(_ cause: Cause, _ check: CallGate.Check) async throws(Failure) {
        if let refusal = closed { throw .throttled(cause, retryAfterSeconds: refusal.seconds) }
        let (isFine, isChecked) = health.withLock { health in
            let found = (now < health.fineUntil, health.isChecking)
            health.isChecking = true
            return found
        }
        if isChecked { throw .throttled(cause, retryAfterSeconds: Double.random(in: 1...3)) }
        defer { health.withLock { $0.isChecking = false } }
        if isFine { return }
        let found = Breaker.closed.checked(isUp: await check(), jitter: Double.random(in: 0..<1))
        switch found {
        case .closed, .halfOpen:
            health.withLock { $0.fineUntil = now + Self.fineSeconds }
        case .open(_, let seconds):
            do throws(StoreError) {
                try await store.trip(scope, after: 0, for: .seconds(seconds))
            } catch {
                log.warning("could not tell the others", ["reason": "\(error)"])
            }
            isDown(forSeconds: seconds, because: cause.description)
            throw .throttled(cause, retryAfterSeconds: seconds)
        }
    }

    /// What a breaker that is not closed asks of this process.
    private func wait(for breaker: Breaker, _ check: CallGate.Check) async throws(StoreError) {
        switch breaker {
        case .closed: return
        case .open(_, let seconds): isDown(forSeconds: seconds, because: "found down")
        case .halfOpen(let trips):
            let seconds = Breaker.checkSeconds
            guard try await store.claimCheck(of: scope, after: trips, within: .seconds(seconds))
            else { return isDown(forSeconds: 1, because: "being checked") }
            let isUp = await check()
            switch breaker.checked(isUp: isUp, jitter: Double.random(in: 0..<1)) {
            case .closed, .halfOpen:
                try await store.closeBreaker(of: scope, after: trips)
                log.info("calls go on", ["gate": "\(name)"])
            case .open(_, let seconds):
                try await store.trip(scope, after: trips, for: .seconds(seconds))
                isDown(forSeconds: seconds, because: "still down")
            }
        }
    }

    private func isDown(forSeconds seconds: Double, because reason: String) {
        guard scheduler.withLock({ $0.close(.down, until: now + seconds) }) else { return }
        wakeSignal.wake()
        log.warning(
            "no calls: down",
            ["gate": "\(name)", "seconds": .number(seconds), "reason": "\(reason)"])
    }
}

extension Vendors.Side {
    /// A name of the credential to which the vendor's limit belongs (PagerDuty.md 61), and not the
    /// credential itself: connections with the same one share its budget.
    fileprivate func scope(of connection: Connection) -> String {
        let credential =
            switch self {
            case .pagerduty:
                connection.pagerDuty.map { "\($0.apiURL)\0\($0.token.revealed)" }
            case .salesforce:
                connection.salesforce.map { "\($0.loginURL)\0\($0.username)" }
            }
        let name = credential.map { Hex.encode(Array(SHA256.digest(Array($0.utf8)).prefix(16))) }
        // A side that is not configured is not called.
        return "\(rawValue):\(name ?? connection.id.rawValue)"
    }
}

extension Cause {
    /// Whether a call with this cause could have failed for no fault of its own: no answer, or one
    /// from the vendor's side of the line. (RFC 9110 section 15.6)
    fileprivate var isOfVendor: Bool { status.map { $0 >= 500 } ?? true }
}

extension RateLimit {
    /// A limit is counted by the minute (PagerDuty.md 61). A header that tells more is wrong, and
    /// must not keep the account closed.
    private static let pauseSecondsMax = 120.0

    /// How long to leave the account alone when so little is left that the calls under way could
    /// use it up; others may be using the same key.
    var pauseSeconds: Double? {
        guard let remaining, let resetSeconds, let limit else { return nil }
        return remaining <= limit / 64 ? min(max(1, resetSeconds), Self.pauseSecondsMax) : nil
    }
}
