import Automation
import Store

/// How the callers of one process share what they take out of a credential's budget.
struct CallSchedulerLimits: Equatable, Sendable {
    var budget: BudgetLimits
    /// Calls taken out of the shared budget at once.
    var grantCallsMax: Int
    /// What was taken and not used by then is lost.
    var grantSeconds = 1.0
    /// Callers that may wait; the least urgent ones beyond are sent away.
    var callersMax = 16
    /// How long one may wait here, where it holds a lane.
    var patienceSeconds = 2.0
    /// How long at least until the exhausted budget is asked again: whoever waits for calls that
    /// come one by one must not wait for many of them.
    var pollSeconds = 0.02...0.06
    /// The longest that somebody is sent away for want of budget.
    var absenceSecondsMax = 60.0

    private static let windowSeconds = 60.0
    /// A call may reach the vendor so long after it was taken: a grant's life, and the way.
    private static let delaySecondsMax = 3.0

    /// Never more than `calls` in any minute at the vendor: a sixteenth may be saved up, and the
    /// rest flows evenly.
    init(callsPerMinuteMax calls: Int) {
        let burst = max(1, Double(calls) / 16)
        let rate = max(Double(calls) - burst, 0.5) / (Self.windowSeconds + Self.delaySecondsMax)
        budget = BudgetLimits(perSecond: rate, burst: burst)
        grantCallsMax = max(1, Int(burst / 4))
    }
}

/// Who of this process's callers may call a vendor next, and when to ask for more: decisions
/// without clock, dice or I/O. Moments are seconds on any clock that does not go back.
struct CallScheduler {
    struct Caller: Hashable, Sendable {
        let number: Int
        let urgency: CallUrgency
        let arrivedAt: Double
    }

    enum Step: Equatable {
        case go
        /// Take up to so many calls out of the shared budget, then tell `acquired`.
        case acquire(Int)
        /// Look again when something happened, or after so long.
        case wait(seconds: Double)
        case giveUp(Refusal)
    }

    /// Why somebody is sent away, and for how long.
    struct Refusal: Equatable, Sendable {
        enum Reason: String, Sendable {
            /// The budget is used up, and others come first.
            case budget
            /// The vendor asked for patience.
            case closed
            /// The vendor is down.
            case down
        }

        var reason: Reason
        var seconds: Double
    }

    private let limits: CallSchedulerLimits
    /// The most urgent first, then who came first.
    private var callers: [Caller] = []
    private var arrivals = 0
    private var isAcquiring = false
    private var acquireAt = 0.0
    private var grant = Grant()
    private var closure: (reason: Refusal.Reason, until: Double)?
    /// By urgency: when those who were sent away will all have had their calls.
    private var backlogUntil: [Double]
    /// Of the whole budget, when it was last asked.
    private(set) var left: Int

    init(_ limits: CallSchedulerLimits) {
        self.limits = limits
        backlogUntil = Array(repeating: 0, count: CallUrgency.allCases.count)
        left = Int(limits.budget.burst)
    }

    mutating func arrive(_ urgency: CallUrgency, at now: Double) -> Caller {
        arrivals += 1
        let caller = Caller(number: arrivals, urgency: urgency, arrivedAt: now)
        let place = callers.firstIndex { $0.urgency < urgency } ?? callers.endIndex
        callers.insert(caller, at: place)
        return caller
    }

    mutating func leave(_ caller: Caller) { callers.removeAll { $0 == caller } }

    /// What a caller that has arrived does next. `go` and `giveUp` make it leave.
    mutating func step(of caller: Caller, at now: Double) -> Step {
        let place = callers.firstIndex(of: caller) ?? callers.endIndex
        if let refusal = closed(at: now) {
            leave(caller)
            return .giveUp(refusal)
        }
        if place < grant.calls(at: now) {
            leave(caller)
            grant.use()
            return .go
        }
        let patienceEnds = caller.arrivedAt + limits.patienceSeconds
        if place >= limits.callersMax || now >= patienceEnds {
            leave(caller)
            return .giveUp(Refusal(reason: .budget, seconds: absence(caller.urgency, at: now)))
        }
        if isAcquiring { return .wait(seconds: patienceEnds - now) }
        if now < acquireAt { return .wait(seconds: min(patienceEnds, acquireAt) - now) }
        isAcquiring = true
        // In plenty somewhat ahead; when calls are short only for those who are there.
        let habit = left >= limits.grantCallsMax ? grant.habit(at: now) : 0
        return .acquire(min(max(callers.count, habit), limits.grantCallsMax))
    }

    /// Why nobody may call at this moment, if so.
    func closed(at now: Double) -> Refusal? {
        guard let closure, now < closure.until else { return nil }
        return Refusal(reason: closure.reason, seconds: closure.until - now)
    }

    /// - Returns: false if it was closed for as long already.
    @discardableResult
    mutating func close(_ reason: Refusal.Reason, until moment: Double) -> Bool {
        if let closure, closure.until >= moment { return false }
        closure = (reason, moment)
        return true
    }

    mutating func acquired(_ calls: Int, left: Int, at now: Double) {
        isAcquiring = false
        self.left = left
        grant = Grant(
            calls: grant.calls(at: now) + calls, size: calls, until: now + limits.grantSeconds)
    }

    /// - Parameter jitter: a die, `0..<1`.
    mutating func acquireFailed(retryAfterSeconds seconds: Double, at now: Double, jitter: Double) {
        isAcquiring = false
        left = 0
        let poll = limits.pollSeconds
        let pause = poll.lowerBound + (poll.upperBound - poll.lowerBound) * jitter
        acquireAt = now + max(seconds, pause)
    }

    /// Whoever is sent away comes back when its turn will be, as far as this process knows; the
    /// less urgent wait for the more urgent.
    private mutating func absence(_ urgency: CallUrgency, at now: Double) -> Double {
        for other in CallUrgency.allCases where other <= urgency {
            let index = other.rawValue
            backlogUntil[index] = min(
                max(backlogUntil[index], now) + 1 / limits.budget.perSecond,
                now + limits.absenceSecondsMax)
        }
        return backlogUntil[urgency.rawValue] - now
    }
}

/// Calls that were taken out of the shared budget and are not made yet.
private struct Grant {
    private var unused = 0
    private var size = 0
    private var until = 0.0

    init() {}

    init(calls: Int, size: Int, until: Double) {
        unused = calls
        self.size = size
        self.until = until
    }

    func calls(at now: Double) -> Int { now < until ? unused : 0 }

    mutating func use() { unused -= 1 }

    /// How much to take next: doubles while grants are used up in their time, and halves when they
    /// are not.
    func habit(at now: Double) -> Int { unused <= 0 && now < until ? size * 2 : size / 2 }
}
