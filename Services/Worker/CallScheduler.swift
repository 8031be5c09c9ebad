import Automation
import Store

/// The limits by which the callers of one process share a credential's budget.
struct CallSchedulerLimits: Equatable, Sendable {
    var budget: BudgetLimits
    /// The most calls taken out of the shared budget at once.
    var grantCallsMax: Int
    /// Calls that are taken and not used within this time are lost.
    var grantLifetime = Duration.seconds(1)
    /// The most callers that may wait; the least urgent ones beyond are refused.
    var callersMax = 16
    /// The longest that a caller waits here, where it holds a lane.
    var waitMax = Duration.seconds(2)
    /// The shortest time before an exhausted budget is asked again. It is short because calls
    /// become free one by one: a caller that waits for one must not wait for many.
    var acquireIntervals = Duration.milliseconds(20)...Duration.milliseconds(60)
    /// The longest that a caller is told to stay away because the budget is exhausted.
    var retryAfterMax = Duration.seconds(60)

    /// The longest between taking a call and its arrival at the vendor: a grant's lifetime and the
    /// transfer.
    private static let delayMax = Duration.seconds(3)

    /// Limits that never bring more than `calls` to the vendor in any minute: a sixteenth may be
    /// saved up, and the rest flows evenly.
    ///
    /// - Parameter minute: shorter in tests, and all times of calls on their way with it.
    init(callsPerMinuteMax calls: Int, minute: Duration = .seconds(60)) {
        let (scale, burst) = (minute / .seconds(60), max(1, Double(calls) / 16))
        grantLifetime = .seconds(scale)
        let seconds = minute / .seconds(1) + Self.delayMax / .seconds(1) * scale
        let rate = max(Double(calls) - burst, 0.5) / seconds
        budget = BudgetLimits(perSecond: rate, burst: burst)
        grantCallsMax = max(1, Int(burst / 4))
    }

    /// The time in which one call becomes free.
    var callInterval: Duration { .seconds(1 / budget.perSecond) }
}

/// The reason why a caller is refused, and the time after which it may come back.
struct CallRefusal: Equatable, Sendable {
    var reason: RefusalReason
    var retryAfter: Duration
}

enum RefusalReason: String, Sendable {
    /// The budget is exhausted, and other callers come first.
    case budget
    /// The vendor limits its calls.
    case closed
    /// The vendor is down.
    case down
}

/// Decides which of this process's callers may call a vendor next and when to take more calls out
/// of the budget. It has no clock, no randomness and no I/O: it returns what its owner does.
struct CallScheduler {
    typealias Instant = ContinuousClock.Instant

    struct Caller: Hashable, Sendable {
        let number: Int
        let urgency: CallUrgency
        let waitsSince: Instant
    }

    /// The next step of a caller.
    enum CallerStep: Equatable {
        case call
        /// Take up to so many calls out of the shared budget, and tell `acquireEnded`.
        case acquire(Int)
        /// Ask again after a wake-up, or at the latest after this time.
        case wait(atMost: Duration)
        case giveUp(CallRefusal)
    }

    /// The owner's action after a change.
    enum SchedulerAction: Equatable {
        case none
        /// Waiting callers ask for their next step at once.
        case wakeCallers
    }

    /// The result of taking calls out of the shared budget.
    enum AcquireResult: Equatable {
        case acquired(Int, left: Int)
        case failed(retryAfter: Duration)
    }

    private let limits: CallSchedulerLimits
    /// The most urgent first, callers of one urgency in the order in which they came.
    private var callers: [Caller] = []
    private var callerCount = 0
    private var isAcquiring = false
    private var acquireNotBefore: Instant?
    private var grant: CallGrant?
    private var closure: (reason: RefusalReason, until: Instant)?
    /// The moment at which all refused callers of an urgency will have had their calls.
    private var backlogUntil: [CallUrgency: Instant] = [:]
    /// Calls left in the whole budget when it was last asked.
    private(set) var left: Int

    init(_ limits: CallSchedulerLimits) {
        self.limits = limits
        left = Int(limits.budget.burst)
    }

    mutating func enqueue(_ urgency: CallUrgency, at now: Instant) -> Caller {
        callerCount += 1
        let caller = Caller(number: callerCount, urgency: urgency, waitsSince: now)
        let place = callers.firstIndex { $0.urgency < urgency } ?? callers.endIndex
        callers.insert(caller, at: place)
        return caller
    }

    mutating func remove(_ caller: Caller) { callers.removeAll { $0 == caller } }

    /// The next step of a caller in the queue. `call` and `giveUp` remove it from the queue.
    mutating func step(of caller: Caller, at now: Instant) -> CallerStep {
        let place = callers.firstIndex(of: caller) ?? callers.endIndex
        if let refusal = closed(at: now) {
            remove(caller)
            return .giveUp(refusal)
        }
        if place < grant?.calls(at: now) ?? 0 {
            remove(caller)
            grant?.use()
            return .call
        }
        let waitEnds = caller.waitsSince + limits.waitMax
        if place >= limits.callersMax || now >= waitEnds {
            remove(caller)
            let retryAfter = retryAfter(for: caller.urgency, at: now)
            return .giveUp(CallRefusal(reason: .budget, retryAfter: retryAfter))
        }
        if isAcquiring { return .wait(atMost: waitEnds - now) }
        if let acquireNotBefore, now < acquireNotBefore {
            return .wait(atMost: min(waitEnds, acquireNotBefore) - now)
        }
        isAcquiring = true
        return .acquire(callsToAcquire(at: now))
    }

    /// The refusal of all callers at this moment; nil if calls may be made.
    func closed(at now: Instant) -> CallRefusal? {
        guard let closure, now < closure.until else { return nil }
        return CallRefusal(reason: closure.reason, retryAfter: closure.until - now)
    }

    /// Refuses all callers until a moment. Returns `none` if they are refused for as long already.
    mutating func close(_ reason: RefusalReason, until moment: Instant) -> SchedulerAction {
        if let closure, closure.until >= moment { return .none }
        closure = (reason, moment)
        return .wakeCallers
    }

    /// - Parameter jitter: a random number of `0..<1`.
    mutating func acquireEnded(
        _ result: AcquireResult, at now: Instant, jitter: Double
    ) -> SchedulerAction {
        isAcquiring = false
        switch result {
        case .acquired(let calls, let left):
            self.left = left
            grant = CallGrant(
                calls: (grant?.calls(at: now) ?? 0) + calls, size: calls,
                until: now + limits.grantLifetime)
        case .failed(let retryAfter):
            left = 0
            let intervals = limits.acquireIntervals
            let pause =
                intervals.lowerBound + (intervals.upperBound - intervals.lowerBound) * jitter
            acquireNotBefore = now + max(retryAfter, pause)
        }
        return .wakeCallers
    }

    /// Somewhat more calls than are waited for while calls are plenty, else only those.
    private func callsToAcquire(at now: Instant) -> Int {
        let expected = left >= limits.grantCallsMax ? grant?.expectedCalls(at: now) ?? 0 : 0
        return min(max(callers.count, expected), limits.grantCallsMax)
    }

    /// The time after which a refused caller will get its call, as far as this process knows. The
    /// less urgent wait for the more urgent.
    private mutating func retryAfter(for urgency: CallUrgency, at now: Instant) -> Duration {
        var result = Duration.zero
        for other in CallUrgency.allCases where other <= urgency {
            let backlogEnds = max(backlogUntil[other] ?? now, now)
            let until = min(backlogEnds + limits.callInterval, now + limits.retryAfterMax)
            backlogUntil[other] = until
            result = until - now
        }
        return result
    }
}

/// Calls that were taken out of the shared budget and are not made yet.
private struct CallGrant {
    private var unused: Int
    private let size: Int
    private let until: CallScheduler.Instant

    init(calls: Int, size: Int, until: CallScheduler.Instant) {
        unused = calls
        self.size = size
        self.until = until
    }

    func calls(at now: CallScheduler.Instant) -> Int { now < until ? unused : 0 }

    mutating func use() { unused -= 1 }

    /// The size of the next grant: twice the last one if that was used up in time, else half.
    func expectedCalls(at now: CallScheduler.Instant) -> Int {
        unused <= 0 && now < until ? size * 2 : size / 2
    }
}
