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
struct Turn {
    /// Ends the turn: the rest of the lane is due again as `next` says.
    struct Pause: Error {
        let next: LaneSettlement.Next
    }

    let lane: LeasedLane
    /// The lane's jobs, read.
    let jobs: [ReadJob]
    let desk: Desk
    let ledger: EffectLedger
    let attemptsMax: Int
    /// False when the worker stops or its lease is about to end.
    let mayContinue: @Sendable () -> Bool
    var surroundings: Surroundings

    private var settlements: [Settlement] = []
    private var waiting: [Decision] = []
    /// Effects of this turn that are performed, or superseded by one that is.
    private var done: Set<EffectKey> = []

    init(
        of lane: LeasedLane, _ jobs: [ReadJob], at desk: Desk, surroundings: Surroundings,
        ledger: EffectLedger, attemptsMax: Int, mayContinue: @escaping @Sendable () -> Bool
    ) {
        self.lane = lane
        self.jobs = jobs
        self.desk = desk
        self.surroundings = surroundings
        self.ledger = ledger
        self.attemptsMax = attemptsMax
        self.mayContinue = mayContinue
    }

    mutating func run() async -> LaneSettlement {
        do throws(Pause) {
            try buryDeadly()
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
    private mutating func buryDeadly() throws(Pause) {
        guard lane.attempt > attemptsMax, let job = jobs.first?.job else { return }
        let message = "\(attemptsMax) attempts ended without a result; the worker may die of it"
        let cause = Cause(.liaison, code: "attempts", message: message)
        settle(Decision(job: job, outcome: .failed(cause)), as: .failed(cause))
        throw Pause(next: .proceed)
    }

    private func checkpoint() throws(Pause) {
        if !mayContinue() { throw Pause(next: .retry(afterSeconds: 0, refundsAttempt: true)) }
    }

    /// Attempts are counted for the job at the head: behind it each is the first.
    private func attempt(at job: Job) -> Int {
        job.sequence == lane.jobs.first?.sequence ? lane.attempt : 1
    }

    /// What a failure means for this job: another attempt, or the cause with which it is given up.
    private func givenUp(_ failure: Failure, on job: Job) throws(Pause) -> Cause {
        let decision = Backoff.decision(
            after: failure, attempt: attempt(at: job), attemptsMax: attemptsMax,
            jitter: Double.random(in: 0..<1))
        switch decision {
        case .again(let next): throw Pause(next: next)
        case .giveUp(let cause): return cause
        }
    }
}

extension Turn {
    /// What shall become of one job.
    struct Decision {
        let job: Job
        /// The outcome when there is nothing to perform.
        var outcome: Outcome
        var plan = Plan()
        var facts: JSON?

        /// Whether a later job may still make its effects superfluous.
        var canWait: Bool {
            plan.effects.allSatisfy {
                if case .updateRecord = $0.command { true } else { false }
            }
        }
    }

    private mutating func decide(_ read: ReadJob) async throws(Pause) -> Decision {
        let job = read.job
        let event: EventFacts
        switch read.facts {
        case .success(let facts): event = facts
        case .failure(let unreadable):
            return Decision(job: job, outcome: .failed(unreadable.cause))
        }
        guard event.direction != nil else {
            return Decision(job: job, outcome: .ignored(reason: job.event.reasonIgnored))
        }
        let echoes: Set<Echo>
        do throws(Failure) {
            echoes = try await self.echoes(of: event)
        } catch {
            return try await undecided(job, error)
        }
        let facts = Facts(event: event, links: surroundings.links(for: event), echoes: echoes)
        let judgement = desk.judge(facts)
        // What is fetched must show what earlier events of the lane have done.
        if !judgement.needs.isEmpty { try await performWaiting() }
        do throws(Failure) {
            return try await planned(job, facts, judgement)
        } catch {
            return try await undecided(job, error)
        }
    }

    /// An event that is given up must not overtake what waits before it.
    private mutating func undecided(_ job: Job, _ failure: Failure) async throws(Pause) -> Decision
    {
        try await performWaiting()
        return Decision(job: job, outcome: .failed(try givenUp(failure, on: job)))
    }

    /// What somebody else writes is no echo, also when it is what we wrote a while ago.
    private func echoes(of event: EventFacts) async throws(Failure) -> Set<Echo> {
        let echoes = surroundings.echoes(of: event)
        guard !echoes.isEmpty, let change = event.record,
            try await desk.vendors.isByAnother(change)
        else { return echoes }
        return []
    }

    private func planned(
        _ job: Job, _ known: Facts, _ judgement: Judgement
    ) async throws(Failure) -> Decision {
        var facts = known
        var matches = judgement.matches
        if !judgement.needs.isEmpty {
            try await desk.vendors.fetch(judgement.needs, into: &facts)
            matches = desk.judge(facts).matches
        }
        var plan = desk.rulebook.plan(matches, facts)
        if !plan.effects.isEmpty, try await desk.vendors.created(facts.event.record) {
            facts.echoes.insert(.created)
            matches = desk.judge(facts).matches
            plan = desk.rulebook.plan(matches, facts)
        }
        let isIdle = plan.effects.isEmpty && plan.problems.isEmpty
        let outcome: Outcome =
            facts.isWhollyEcho
            ? .ignored(reason: "it repeats what Liaison wrote")
            : !matches.isEmpty || !isIdle ? .applied : .unmatched
        // Links alone are facts, too: without them an evaluation could not be repeated.
        let isBare = facts.links.isEmpty && facts.echoes.isEmpty && judgement.needs.isEmpty
        return Decision(
            job: job, outcome: outcome, plan: plan, facts: isBare ? nil : facts.json)
    }
}

extension Turn {
    private mutating func performWaiting() async throws(Pause) {
        let decisions = waiting
        waiting = []
        if decisions.filter({ !$0.plan.effects.isEmpty }).count > 1 {
            try await performFolded(decisions)
        }
        for decision in decisions {
            settle(decision, as: try await perform(decision))
        }
    }

    /// Performs what is left when superseded fields are taken out, and records it all together: a
    /// write that was made without some of its fields is not done before the later one is that
    /// brings them. A refusal ends it silently, with nothing recorded: the decisions are then
    /// performed one by one, so that each gets its own words from the vendor and no valid value is
    /// lost. Repeating a write of fields is harmless.
    private mutating func performFolded(_ decisions: [Decision]) async throws(Pause) {
        let folded = coalesce(decisions.flatMap(\.plan.effects))
        // The attempts are those of the first: with it the others wait.
        guard !folded.superseded.isEmpty, let head = decisions.first?.job else { return }
        let jobs = Dictionary(
            decisions.flatMap { decision in
                decision.plan.effects.map { ($0.key, decision.job) }
            }, uniquingKeysWith: { first, _ in first })
        var made: [(effect: Effect, job: Job, performed: Performed)] = []
        for effect in folded.effects {
            guard let job = jobs[effect.key] else { continue }
            try checkpoint()
            do throws(Failure) {
                let vendors = try await desk.vendors.admitted(
                    for: effect.command, while: mayContinue)
                if try await ledger.begin(effect, of: job) == .performed { continue }
                let performed = try await vendors.perform(effect.command, lookFirst: false)
                made.append((effect, job, performed))
            } catch {
                _ = try givenUp(error, on: head)
                return
            }
        }
        for (effect, job, performed) in made {
            let superseded = folded.superseded.filter { $0.value == effect.key }
                .compactMap { key, _ in jobs[key].map { SupersededEffect(key: key, job: $0) } }
            do throws(Failure) {
                try await ledger.finish(effect, of: job, performed, superseding: superseded)
            } catch {
                _ = try givenUp(error, on: head)
            }
            done.formUnion([effect.key] + superseded.map(\.key))
        }
    }

    /// The effects of one decision in their order. One that is given up does not keep the others
    /// from being performed; the event is then marked failed with the first cause.
    private mutating func perform(_ decision: Decision) async throws(Pause) -> Outcome {
        var cause = decision.plan.problems.first?.cause
        for effect in decision.plan.effects {
            try checkpoint()
            do throws(Failure) {
                try await perform(effect, of: decision.job)
            } catch {
                let reason = try givenUp(error, on: decision.job)
                cause = cause ?? reason
            }
        }
        return cause.map(Outcome.failed) ?? decision.outcome
    }

    private mutating func perform(_ effect: Effect, of job: Job) async throws(Failure) {
        guard !done.contains(effect.key) else { return }
        let vendors = try await desk.vendors.admitted(for: effect.command, while: mayContinue)
        switch try await ledger.begin(effect, of: job) {
        case .performed: break
        case .new: try await call(vendors, effect, of: job, lookFirst: false)
        case .startedBefore: try await call(vendors, effect, of: job, lookFirst: true)
        }
        done.insert(effect.key)
    }

    private mutating func call(
        _ vendors: Vendors, _ effect: Effect, of job: Job, lookFirst: Bool
    ) async throws(Failure) {
        do throws(Failure) {
            let performed = try await vendors.perform(
                effect.command, lookFirst: lookFirst, isLinked: ledger.isLinked)
            try await ledger.finish(effect, of: job, performed)
            if let link = performed.link { surroundings.add(link) }
        } catch .permanent(let cause) {
            try await ledger.fail(effect, of: job, cause)
            throw .permanent(cause)
        }
    }

    private mutating func settle(_ decision: Decision, as outcome: Outcome) {
        settlements.append(
            Settlement(
                job: decision.job, attempt: attempt(at: decision.job), outcome: outcome,
                facts: decision.facts, configurationVersion: desk.version))
    }
}

extension Event {
    /// Why no rule can concern this event.
    fileprivate var reasonIgnored: String {
        switch kind {
        case .ping: "a ping"
        case .unknown(let name): "Liaison does not know the kind \(name)"
        case .service(let change): "rules do not read service events (\(change))"
        case .incident, .record: "it tells no incident and no record"
        }
    }
}
