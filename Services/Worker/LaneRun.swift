import Automation
import JSON
import Models
import Store

/// A leased lane's way to its settlement: the jobs at its head, one after the other.
///
///     LeasedLane -> [Event] -> Facts -> Judgement -> Plan -> coalesced -> [Effect]
///         -> Settlement
///
/// A job whose plan only sets fields waits for the next one, which may set them again; everything
/// else is performed at once. Without a backlog no job waits.
///
/// After half of the attempts the job at the head goes alone: if it is the one that ends every
/// worker, no other is blamed for it. Not earlier, so that what was folded once is folded again and
/// no older value is written over a newer one.
struct LaneRun {
    /// Ends the turn: the rest of the lane is due again as `next` says.
    struct Pause: Error {
        let next: LaneSettlement.Next
    }

    let lane: LeasedLane
    /// The lane's jobs, read.
    let jobs: [ReadJob]
    let runtime: ConnectionRuntime
    let ledger: EffectLog
    let attemptsMax: Int
    /// False when the worker stops or its lease is about to end.
    let mayContinue: @Sendable () -> Bool
    var context: LaneContext

    private var settlements: [Settlement] = []
    var waiting: [Decision] = []
    /// Effects of this turn that are performed, or superseded by one that is.
    var done: Set<EffectKey> = []
    /// What replays of this turn find done, by their sequences.
    var earlier: [Int64: EarlierEffects] = [:]
    /// Jobs whose facts stand with an effect that this turn began.
    var recorded: Set<Int64> = []

    init(
        of lane: LeasedLane, _ jobs: [ReadJob], at runtime: ConnectionRuntime, context: LaneContext,
        ledger: EffectLog, attemptsMax: Int, mayContinue: @escaping @Sendable () -> Bool
    ) {
        self.lane = lane
        self.jobs = jobs
        self.runtime = runtime
        self.context = context
        self.ledger = ledger
        self.attemptsMax = attemptsMax
        self.mayContinue = mayContinue
    }

    mutating func run() async -> LaneSettlement {
        do throws(Pause) {
            try failPoisonJob()
            for job in lane.attempt > attemptsMax / 2 ? jobs.prefix(1) : jobs[...] {
                try checkpoint()
                let decision = try await decide(job)
                if !decision.canWait { try await performWaiting() }
                waiting.append(decision)
                if !decision.canWait { try await performWaiting() }
            }
            try await performWaiting()
            return ended(.proceed)
        } catch {
            return ended(error.next)
        }
    }

    private func ended(_ next: LaneSettlement.Next) -> LaneSettlement {
        LaneSettlement(fence: lane.fence, settlements: settlements, next: next)
    }

    /// Workers that die of a job leave nothing behind but its count of attempts.
    private mutating func failPoisonJob() throws(Pause) {
        guard lane.attempt > attemptsMax, let job = jobs.first?.job else { return }
        let message = "\(attemptsMax) attempts ended without a result; the worker may die of it"
        let cause = Cause(.liaison, code: "attempts", message: message)
        settle(Decision(job: job, outcome: .failed(cause)), as: .failed(cause))
        throw Pause(next: .proceed)
    }

    func checkpoint() throws(Pause) {
        if !mayContinue() { throw Pause(next: .retry(afterSeconds: 0, refundsAttempt: true)) }
    }

    /// Attempts are counted for the job at the head: behind it each is the first.
    func attempt(at job: Job) -> Int {
        job.sequence == lane.jobs.first?.sequence ? lane.attempt : 1
    }

    /// What a failure means for this job: another attempt, or the cause with which it is given up.
    func retryOrGiveUp(_ failure: Failure, on job: Job) throws(Pause) -> Cause {
        let decision = Backoff.decision(
            after: failure, attempt: attempt(at: job), attemptsMax: attemptsMax,
            jitter: ledger.jitter.unit())
        switch decision {
        case .again(let next): throw Pause(next: next)
        case .giveUp(let cause): return cause
        }
    }

    mutating func settle(_ decision: Decision, as outcome: Outcome) {
        settlements.append(
            Settlement(
                job: decision.job, attempt: attempt(at: decision.job), outcome: outcome,
                facts: decision.facts, configurationVersion: runtime.version))
    }
}

/// What shall become of one job.
struct Decision {
    let job: Job
    /// The outcome when there is nothing to perform.
    var outcome: Outcome
    /// What the rules were judged on, for the ledger; `nil` when it was the event alone.
    var facts: JSON?
    var course: Course?

    /// What is to be performed, and what it follows from.
    struct Course {
        var facts: Facts
        var matches: [Match]
        var plan: Plan
        /// Commands whose effects were tried.
        var done: Set<Command> = []
    }

    var effects: [Effect] { course?.plan.effects ?? [] }

    /// Whether a later job may still make its effects superfluous. A replay is performed by itself,
    /// as some of it may have been.
    var canWait: Bool {
        job.event.original == job.event.id
            && effects.allSatisfy {
                if case .updateRecord = $0.command { true } else { false }
            }
    }
}
