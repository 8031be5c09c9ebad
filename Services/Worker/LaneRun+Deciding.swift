import Automation
import JSON
import Models

extension LaneRun {
    mutating func decide(_ read: ReadJob) async throws(Pause) -> Decision {
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
        let facts: Facts
        do throws(Failure) {
            if let rest = try await restOfReplayed(job, event) { return rest }
            facts = try await self.facts(around: event, of: job)
        } catch {
            return try await failedDecision(job, error)
        }
        let judgement = runtime.judge(facts)
        // What is fetched must show what earlier events of the lane have done.
        if !judgement.needs.isEmpty { try await performWaiting() }
        do throws(Failure) {
            return try await decided(job, facts, judgement)
        } catch {
            return try await failedDecision(job, error, facts)
        }
    }

    /// An event that is given up must not overtake what waits before it.
    private mutating func failedDecision(
        _ job: Job, _ failure: Failure, _ facts: Facts? = nil
    ) async throws(Pause) -> Decision {
        try await performWaiting()
        return Decision(
            job: job, outcome: .failed(try retryOrGiveUp(failure, on: job)), facts: facts?.json)
    }

    /// When effects of the job were begun before, what it was judged on then: they have changed
    /// what there is to see.
    private func facts(
        around event: EventFacts, of job: Job
    ) async throws(Failure) -> Facts {
        if let begun = context.begunFacts(of: job, in: lane.id) {
            return Facts(event: event, json: begun)
        }
        return Facts(
            event: event, links: context.links(for: event),
            echoes: try await echoes(of: event))
    }

    /// A replay goes on where the original broke off: what that was judged on stays, links
    /// included, texts are filled in with what is known now. `nil` for what is no replay, or of an
    /// event that did nothing.
    private mutating func restOfReplayed(
        _ job: Job, _ event: EventFacts
    ) async throws(Failure) -> Decision? {
        let original = job.event.original
        guard original != job.event.id else { return nil }
        let earlier = try await ledger.earlierEffects(of: original)
        self.earlier[job.sequence] = earlier
        // Somebody may have mended what could not be read.
        runtime.vendors.unreadable.forget()
        guard let json = earlier.facts else { return nil }
        var then = Facts(event: event, json: json)
        then.records = then.records.filter { $0.value.obstacles.isEmpty }
        var judgement = runtime.judge(then)
        if !judgement.needs.isEmpty {
            try await runtime.vendors.fetch(judgement.needs, into: &then)
            judgement = runtime.judge(then)
        }
        var facts = Facts(event: event, links: then.links, echoes: then.echoes)
        for link in context.links(for: event) where earlier.made(link) {
            facts.add(link, nil)
        }
        let needs = runtime.rulebook.needs(of: judgement.matches, facts)
        if !needs.isEmpty { try await runtime.vendors.fetch(needs, into: &facts) }
        let plan = runtime.rulebook.plan(judgement.matches, facts)
        let isIdle = judgement.matches.isEmpty && plan.effects.isEmpty && plan.problems.isEmpty
        return Decision(
            job: job, outcome: isIdle ? .unmatched : .applied, facts: then.json,
            course: Decision.Course(facts: facts, matches: judgement.matches, plan: plan))
    }

    /// What somebody else writes is no echo, also when it is what we wrote a while ago.
    private func echoes(of event: EventFacts) async throws(Failure) -> Set<Echo> {
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

    private func decided(
        _ job: Job, _ known: Facts, _ judgement: Judgement
    ) async throws(Failure) -> Decision {
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
        let isIdle = plan.effects.isEmpty && plan.problems.isEmpty
        let outcome: Outcome =
            facts.isWhollyEcho
            ? .ignored(reason: "it repeats what Liaison wrote")
            : !matches.isEmpty || !isIdle ? .applied : .unmatched
        // Links alone are facts, too: without them an evaluation could not be repeated.
        let isBare = facts.links.isEmpty && facts.echoes.isEmpty && judgement.needs.isEmpty
        return Decision(
            job: job, outcome: outcome, facts: isBare ? nil : facts.json,
            course: Decision.Course(facts: facts, matches: matches, plan: plan))
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
