import Automation
import JSON
import Models
import Store

extension LaneRun {
    func judge(_ read: ReadJob, in context: LaneContext) async -> JudgedJob {
        let job = read.job
        let event: EventFacts
        switch read.facts {
        case .success(let facts): event = facts
        case .failure(let unreadable):
            return .decided(JobDecision(job, .settle(.failed(unreadable.cause))))
        }
        guard event.direction != nil else {
            return .decided(JobDecision(job, .settle(.ignored(reason: job.event.reasonIgnored))))
        }
        if job.isReplayOfRest { return .replay(job, event) }
        do {
            let facts = try await facts(around: event, of: job, in: context)
            return .judged(job, facts, runtime.judge(facts))
        } catch {
            return .failed(FailedDecision(job: job, failure: error))
        }
    }

    func decide(
        _ judged: JudgedJob, in context: LaneContext
    ) async -> Result<JobDecision, FailedDecision> {
        switch judged {
        case .decided(let decision): .success(decision)
        case .failed(let failed): .failure(failed)
        case .judged(let job, let facts, let judgement): await decide(job, facts, judgement)
        case .replay(let job, let event): await decideReplay(job, event, in: context)
        }
    }

    /// Returns the facts that the job was judged on when an earlier attempt began its effects: they
    /// have changed what there is to see.
    private func facts(
        around event: EventFacts, of job: Job, in context: LaneContext
    ) async throws(Failure) -> Facts {
        if let begun = context.begunFacts(of: job, in: lane.id) {
            return Facts(event: event, json: begun)
        }
        return Facts(
            event: event, links: context.links(for: event),
            echoes: try await echoes(of: event, in: context))
    }

    /// A change by another user is no echo, although it repeats a write of ours.
    private func echoes(
        of event: EventFacts, in context: LaneContext
    ) async throws(Failure) -> Set<Echo> {
        let echoes = context.echoes(of: event)
        if echoes.isEmpty { return [] }
        guard let change = event.record else {
            guard let agent = event.agent else { return echoes }
            return try await runtime.vendors.isByAnother(agent) ? [] : echoes
        }
        switch try await runtime.vendors.isOurs(change) {
        case nil: return echoes
        case false: return []
        case true: return change.changedFields == nil ? echoes.union([.saved]) : echoes
        }
    }

    private func decide(
        _ job: Job, _ facts: Facts, _ judgement: Judgement, earlier: EarlierEffects? = nil
    ) async -> Result<JobDecision, FailedDecision> {
        do {
            return .success(try await decision(on: job, facts, judgement, earlier))
        } catch {
            return .failure(FailedDecision(job: job, failure: error, facts: facts.json))
        }
    }

    private func decision(
        on job: Job, _ known: Facts, _ judgement: Judgement, _ earlier: EarlierEffects?
    ) async throws(Failure) -> JobDecision {
        var facts = known
        var matches = judgement.matches
        if !judgement.needs.isEmpty {
            try await runtime.vendors.fetch(judgement.needs, into: &facts)
            matches = runtime.judge(facts).matches
        }
        var plan = runtime.rulebook.plan(matches, facts)
        if !plan.effects.isEmpty, try await runtime.vendors.created(facts.event.record) {
            facts.echoes.insert(.created)
            matches = runtime.judge(facts).matches
            plan = runtime.rulebook.plan(matches, facts)
        }
        let actions = ActionPlan(plan, of: matches, facts, earlier: earlier)
        let outcome: Outcome =
            facts.isWhollyEcho
            ? .ignored(reason: "it repeats what Liaison wrote")
            : matches.isEmpty && actions.isEmpty ? .unmatched : .applied
        // Links alone are facts, too: without them an evaluation could not be repeated.
        let isBare = facts.links.isEmpty && facts.echoes.isEmpty && judgement.needs.isEmpty
        return JobDecision(
            job, actions.isEmpty ? .settle(outcome) : .perform(actions, success: outcome),
            judgedOn: isBare ? nil : facts.json)
    }
}

extension LaneRun {
    private func decideReplay(
        _ job: Job, _ event: EventFacts, in context: LaneContext
    ) async -> Result<JobDecision, FailedDecision> {
        let earlier: EarlierEffects
        let facts: Facts
        do {
            earlier = try await effectLog.earlierEffects(of: job.event.effectOwner)
            // A person may have repaired the fields that could not be read.
            runtime.vendors.unreadable.forget()
            if let json = earlier.facts {
                let then = Facts(event: event, json: json)
                return .success(try await rest(of: job, then, earlier, in: context))
            }
            facts = try await self.facts(around: event, of: job, in: context)
        } catch {
            return .failure(FailedDecision(job: job, failure: error))
        }
        return await decide(job, facts, runtime.judge(facts), earlier: earlier)
    }

    /// A replay goes on where the original broke off. The facts that the original was judged on
    /// stay, links included; texts are filled in with what is known now.
    private func rest(
        of job: Job, _ original: Facts, _ earlier: EarlierEffects, in context: LaneContext
    ) async throws(Failure) -> JobDecision {
        var then = original
        then.records = then.records.filter { $0.value.obstacles.isEmpty }
        var judgement = runtime.judge(then)
        if !judgement.needs.isEmpty {
            try await runtime.vendors.fetch(judgement.needs, into: &then)
            judgement = runtime.judge(then)
        }
        var facts = Facts(event: then.event, links: then.links, echoes: then.echoes)
        for link in context.links(for: then.event) where earlier.made(link) {
            facts.add(link, nil)
        }
        let needs = runtime.rulebook.needs(of: judgement.matches, facts)
        if !needs.isEmpty { try await runtime.vendors.fetch(needs, into: &facts) }
        let plan = runtime.rulebook.plan(judgement.matches, facts)
        let actions = ActionPlan(plan, of: judgement.matches, facts, earlier: earlier)
        let outcome: Outcome =
            judgement.matches.isEmpty && actions.isEmpty ? .unmatched : .applied
        return JobDecision(
            job, actions.isEmpty ? .settle(outcome) : .perform(actions, success: outcome),
            judgedOn: then.json)
    }
}

extension Event {
    /// The reason for which no rule can concern this event.
    fileprivate var reasonIgnored: String {
        switch kind {
        case .ping: "a ping"
        case .unknown(let name): "Liaison does not know the kind \(name)"
        case .service(let change): "rules do not read service events (\(change))"
        case .incident, .record: "it tells no incident and no record"
        }
    }
}
