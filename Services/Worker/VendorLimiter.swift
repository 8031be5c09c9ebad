import Automation
import Connectors
import Crypto
import Models
import Runtime
import Store
import Synchronization

/// Limits the calls of one connection to one vendor. The limiters of all workers with the same
/// credential share a row in Postgres: its budget, until when the vendor limits its calls, and
/// whether the vendor is down.
///
/// A refused call is told when it may be tried again; a refusal costs no attempt.
final class VendorLimiter: Sendable {
    let vendor: Vendor
    /// The name of the credential's row.
    let scope: String
    private let connection: ConnectionID
    private let limits: CallSchedulerLimits
    private let access: VendorAccess
    private let scheduler: Mutex<CallScheduler>
    private let health = Mutex(VendorHealth())
    private let wakeSignal = WakeSignal()

    /// The pause after the database could not be asked for calls.
    private static let acquireRetry = Duration.milliseconds(500)
    /// The longest pause that other workers are told of.
    private static let sharedPauseMax = Duration.seconds(86_400)

    init(
        _ vendor: Vendor, of connection: Connection, limits: CallSchedulerLimits,
        _ access: VendorAccess
    ) {
        self.vendor = vendor
        self.connection = connection.id
        self.limits = limits
        self.access = access
        scope = vendor.scope(of: connection)
        scheduler = Mutex(CallScheduler(limits))
    }

    private var now: ContinuousClock.Instant { access.clocks.instant() }
    private var store: Store { access.store }
    private var jitter: Jitter { access.jitter }

    /// The reason why this process makes no calls now; nil if it may.
    var closed: CallRefusal? { scheduler.withLock { $0.closed(at: now) } }

    /// Calls that were left in the shared budget when it was last asked.
    var left: Int { scheduler.withLock { $0.left } }

    /// An admission for calls of one urgency.
    ///
    /// - Parameter mayContinue: true while this worker holds the lane for which the calls are made.
    func admission(
        for urgency: CallUrgency = .ordinary,
        while mayContinue: @escaping @Sendable () -> Bool = { true }
    ) -> CallAdmission {
        var admission = CallAdmission(
            admit: { check async throws(Failure) in try await self.admit(urgency, check) },
            record: { report, check async throws(Failure) in
                try await self.record(report, check)
            })
        admission.mayContinue = mayContinue
        return admission
    }

    func requireOpen() throws(Failure) {
        if let refusal = closed { throw failure(of: refusal) }
    }

    /// Returns when a call of this urgency may be made.
    func admit(_ urgency: CallUrgency, _ check: CallAdmission.HealthCheck) async throws(Failure) {
        let caller = scheduler.withLock { $0.enqueue(urgency, at: now) }
        while true {
            let woken = wakeSignal.next()
            switch scheduler.withLock({ $0.step(of: caller, at: now) }) {
            case .call: return
            case .giveUp(let refusal): throw failure(of: refusal)
            case .acquire(let calls): await acquire(calls, check)
            case .wait(let limit):
                await woken.wait(atMost: limit)
                if Task.isCancelled {
                    scheduler.withLock { $0.remove(caller) }
                    throw .interrupted
                }
            }
        }
    }

    /// Learns from how a call ended. A call that failed because the vendor is down fails as one
    /// that was refused.
    func record(
        _ report: CallReport, _ check: CallAdmission.HealthCheck
    ) async throws(Failure) {
        access.meter.count(report, vendor)
        if let pause = report.rateLimit?.pause {
            await close(for: pause, because: "the rate limit is nearly reached")
        }
        switch report.failure {
        case .throttled(let cause, let retryAfter):
            await close(for: retryAfter, because: cause.description)
        case .retryable(let cause) where cause.mayBeOutage:
            try await checkHealth(after: cause, check)
        case .retryable, .permanent, .interrupted, nil:
            break
        }
    }

    private func failure(of refusal: CallRefusal) -> Failure {
        // Callers that are refused together do not come back together.
        let spreadMax = min(refusal.retryAfter / 8, .seconds(5))
        let cause = Cause(
            .liaison, code: refusal.reason.rawValue, message: refusal.message(of: vendor))
        return .throttled(
            cause, retryAfter: refusal.retryAfter + jitter.duration(in: .zero...spreadMax))
    }

    /// Stops all calls with the credential, of this process and of the others.
    private func close(for pause: Duration, because reason: String) async {
        guard perform(scheduler.withLock { $0.close(.closed, until: now + pause) }) else { return }
        warn("vendor limits its calls", because: reason, next: "no calls for \(pause.text)")
        do {
            try await store.pause(scope, for: min(pause, Self.sharedPauseMax))
        } catch {
            access.log.storeFailed(
                "sharing of the pause of \(vendor.productName)", error,
                next: "other workers learn of it from their own calls")
        }
    }

    /// Performs the action. Returns false if it is none.
    @discardableResult
    private func perform(_ action: CallScheduler.SchedulerAction) -> Bool {
        switch action {
        case .none: return false
        case .wakeCallers:
            wakeSignal.wake()
            return true
        }
    }

    private func warn(_ message: String, because reason: String, next: String) {
        access.log.warning(
            message,
            [
                "vendor": "\(vendor.rawValue)", "connection": "\(connection)",
                "reason": "\(reason)", "next": "\(next)",
            ])
    }
}

// The shared budget.

extension VendorLimiter {
    /// Takes calls out of the shared budget, or learns why there are none.
    private func acquire(_ calls: Int, _ check: CallAdmission.HealthCheck) async {
        let result: CallScheduler.AcquireResult
        do {
            result = try await acquireResult(calls, check)
        } catch {
            result = .failed(retryAfter: Self.acquireRetry)
            access.log.storeFailed(
                "taking of calls from the budget of \(vendor.productName)", error,
                next: "retrying in \(Self.acquireRetry.text)")
        }
        let jitter = jitter.unit()
        perform(scheduler.withLock { $0.acquireEnded(result, at: now, jitter: jitter) })
    }

    private func acquireResult(
        _ calls: Int, _ check: CallAdmission.HealthCheck
    ) async throws(StoreError) -> CallScheduler.AcquireResult {
        switch try await store.take(atMost: calls, from: scope, limits.budget) {
        case .granted(let granted, let left):
            return .acquired(granted, left: left)
        case .exhausted(let pause):
            return .failed(retryAfter: pause)
        case .paused(let pause):
            perform(scheduler.withLock { $0.close(.closed, until: now + pause) })
        case .tripped(let trips, let pause):
            try await respect(Breaker(trips: trips, pauseLeft: pause), check)
        }
        return .failed(retryAfter: .zero)
    }
}

// The vendor's health.

extension VendorLimiter {
    /// A call got no answer, or one that says that the vendor is in trouble.
    private func checkHealth(
        after cause: Cause, _ check: CallAdmission.HealthCheck
    ) async throws(Failure) {
        if let refusal = closed { throw .throttled(cause, retryAfter: refusal.retryAfter) }
        switch health.withLock({ $0.callFailed(at: now) }) {
        case .isUp: return
        case .isBeingChecked:
            throw .throttled(cause, retryAfter: jitter.duration(in: .seconds(1)...(.seconds(3))))
        case .check: break
        }
        let found = Breaker.closed.checked(isUp: await check(), jitter: jitter.unit())
        switch found {
        case .closed, .halfOpen:
            health.withLock { $0.checked(isUp: true, at: now) }
        case .open(_, let pause):
            defer { health.withLock { $0.checked(isUp: false, at: now) } }
            do {
                try await store.trip(scope, after: 0, for: pause)
            } catch {
                access.log.storeFailed(
                    "sharing of the outage of \(vendor.productName)", error,
                    next: "other workers check by themselves")
            }
            isDown(for: pause, because: cause.description)
            throw .throttled(cause, retryAfter: pause)
        }
    }

    /// Does what the shared breaker asks of this process.
    private func respect(
        _ breaker: Breaker, _ check: CallAdmission.HealthCheck
    ) async throws(StoreError) {
        switch breaker {
        case .closed: return
        case .open(_, let pause): isDown(for: pause, because: "another worker found it down")
        case .halfOpen(let trips):
            let isOurs = try await store.claimCheck(
                of: scope, after: trips, within: Breaker.checkMax)
            guard isOurs else {
                return isDown(for: .seconds(1), because: "another worker checks it")
            }
            switch breaker.checked(isUp: await check(), jitter: jitter.unit()) {
            case .closed, .halfOpen:
                try await store.closeBreaker(of: scope, after: trips)
                access.log.info(
                    "vendor is up again; calls go on",
                    ["vendor": "\(vendor.rawValue)", "connection": "\(connection)"])
            case .open(_, let pause):
                try await store.trip(scope, after: trips, for: pause)
                isDown(for: pause, because: "the check found it still down")
            }
        }
    }

    private func isDown(for pause: Duration, because reason: String) {
        guard perform(scheduler.withLock { $0.close(.down, until: now + pause) }) else { return }
        warn("vendor is down", because: reason, next: "the next check is in \(pause.text)")
    }
}

/// A vendor's health as this process knows it beside the shared row: decisions without clock or
/// I/O.
struct VendorHealth {
    enum HealthStep: Equatable {
        /// A recent check found the vendor up: the failure is the call's own.
        case isUp
        /// Another call's check is under way.
        case isBeingChecked
        /// Check the vendor, and tell `checked`.
        case check
    }

    /// The time for which a check that found the vendor up is trusted.
    private static let trustedFor = Duration.seconds(1)

    private var isChecking = false
    private var upUntil: ContinuousClock.Instant?

    mutating func callFailed(at now: ContinuousClock.Instant) -> HealthStep {
        if isChecking { return .isBeingChecked }
        if let upUntil, now < upUntil { return .isUp }
        isChecking = true
        return .check
    }

    mutating func checked(isUp: Bool, at now: ContinuousClock.Instant) {
        isChecking = false
        if isUp { upUntil = now + Self.trustedFor }
    }
}

extension CallRefusal {
    /// The cause as a person reads it in the log of an event that waits.
    fileprivate func message(of vendor: Vendor) -> String {
        switch reason {
        case .budget: "the call budget for \(vendor.productName) is used up; the call waits"
        case .closed: "\(vendor.productName) limits its calls; the call waits"
        case .down: "\(vendor.productName) does not answer; the call waits"
        }
    }
}

extension Vendor {
    /// A name of the credential to which the vendor's limit belongs (PagerDuty.md 61), and not the
    /// credential itself: connections with the same one share its budget.
    fileprivate func scope(of connection: Connection) -> String {
        let credential =
            switch self {
            case .pagerDuty:
                connection.pagerDuty.map { "\($0.apiURL)\0\($0.token.revealed)" }
            case .salesforce:
                connection.salesforce.map { "\($0.loginURL)\0\($0.username)" }
            }
        let name = credential.map { Hex.encode(Array(SHA256.digest(Array($0.utf8)).prefix(16))) }
        // A vendor that is not configured is not called.
        return "\(rawValue):\(name ?? connection.id.rawValue)"
    }
}

extension Cause {
    /// True if no answer came or the vendor reports an error of its own (RFC 9110 section 15.6).
    fileprivate var mayBeOutage: Bool { status.map { $0 >= 500 } ?? true }
}

extension RateLimit {
    /// A limit is counted by the minute (PagerDuty.md 61). A header that says more is wrong and
    /// must not keep the account closed.
    private static let pauseMax = Duration.seconds(120)

    /// The time for which the account is left alone because the calls under way could use up what
    /// is left; others may use the same key. Nil if enough is left.
    var pause: Duration? {
        guard let remaining, let reset, let limit else { return nil }
        return remaining <= limit / 64 ? min(max(.seconds(1), reset), Self.pauseMax) : nil
    }
}
