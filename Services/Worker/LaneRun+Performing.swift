import Automation
import JSON
import Models
import Store

extension LaneRun {
    mutating func performWaiting() async throws(Pause) {
        let decisions = waiting
        waiting = []
        if decisions.filter({ !$0.effects.isEmpty }).count > 1 {
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
        let folded = coalesce(decisions.flatMap(\.effects))
        // The attempts are those of the first: with it the others wait.
        guard !folded.superseded.isEmpty, let head = decisions.first?.job else { return }
        let owners = Dictionary(
            decisions.flatMap { decision in decision.effects.map { ($0.key, decision) } },
            uniquingKeysWith: { first, _ in first })
        var made: [(effect: Effect, job: Job, performed: Performed)] = []
        for effect in folded.effects {
            guard let decision = owners[effect.key] else { continue }
            try checkpoint()
            do throws(Failure) {
                let performed = try await runtime.vendors.admitted(
                    for: effect.command, while: mayContinue
                ) { command async throws(Failure) -> Performed? in
                    if case .performed = try await begin(effect, of: decision) { return nil }
                    return try await command.perform(lookFirst: false)
                }
                if let performed { made.append((effect, decision.job, performed)) }
            } catch {
                _ = try retryOrGiveUp(error, on: head)
                return
            }
        }
        for (effect, job, performed) in made {
            let superseded = folded.superseded.filter { $0.value == effect.key }
                .compactMap { key, _ in
                    owners[key].map { SupersededEffect(key: key, job: $0.job) }
                }
            do throws(Failure) {
                try await ledger.finish(effect, of: job, performed, superseding: superseded)
            } catch {
                _ = try retryOrGiveUp(error, on: head)
            }
            done.formUnion([effect.key] + superseded.map(\.key))
        }
    }

    /// The effects of one decision in their order. One that is given up does not keep the others
    /// from being performed; the event is then marked failed with the first cause. Only what a rule
    /// wants done after creating something is not done without that.
    private mutating func perform(_ decision: Decision) async throws(Pause) -> Outcome {
        guard var course = decision.course else { return decision.outcome }
        var cause: Cause?
        var tried: Set<EffectKey> = []
        var abandoned: Set<RuleID> = []
        while let effect = course.plan.effects.first(where: { effect in
            !tried.contains(effect.key) && !abandoned.contains(effect.rule)
        }) {
            try checkpoint()
            tried.insert(effect.key)
            course.done.insert(effect.command)
            do throws(Failure) {
                let performed = try await perform(effect, of: decision)
                if let link = performed?.link {
                    try await go(on: &course, after: effect, link, performed?.incident)
                }
            } catch {
                let reason = try retryOrGiveUp(error, on: decision.job)
                cause = cause ?? reason
                if effect.command.isCreation { abandoned.insert(effect.rule) }
            }
        }
        cause = course.plan.problems.first?.cause ?? cause
        return cause.map(Outcome.failed) ?? decision.outcome
    }

    /// Something was created: what comes after it can act on it and speak of it.
    private func go(
        on course: inout Decision.Course, after creation: Effect, _ link: Link,
        _ incident: Incident?
    ) async throws(Failure) {
        course.facts.add(link, incident)
        let rest = runtime.rulebook.rest(of: course.matches, after: creation, link)
        let problems = course.plan.problems.filter { problem in
            !rest.contains { $0.rule == problem.rule }
        }
        course.matches = rest
        let needs = runtime.rulebook.needs(of: course.matches, course.facts)
        if !needs.isEmpty { try await runtime.vendors.fetch(needs, into: &course.facts) }
        course.plan = runtime.rulebook.plan(course.matches, course.facts, after: course.done)
        course.plan.problems.insert(contentsOf: problems, at: 0)
    }

    /// - Returns: what came of it, now or in an earlier attempt; `nil` if it was done in this turn.
    private mutating func perform(
        _ effect: Effect, of decision: Decision
    ) async throws(Failure) -> Performed? {
        guard !done.contains(effect.key) else { return nil }
        let before = earlier[decision.job.sequence]?.progress(of: effect)
        if case .ended(.performed(let result)) = before {
            return effect.command.performed(before: result)
        }
        let performed = try await runtime.vendors.admitted(
            for: effect.command, while: mayContinue
        ) { command async throws(Failure) -> Performed in
            switch try await begin(effect, of: decision) {
            case .performed(let result): effect.command.performed(before: result)
            case .notStarted:
                try await call(command, effect, of: decision.job, lookFirst: before == .started)
            case .started:
                try await call(command, effect, of: decision.job, lookFirst: true)
            }
        }
        done.insert(effect.key)
        if let link = performed.link { context.add(link) }
        return performed
    }

    private mutating func begin(
        _ effect: Effect, of decision: Decision
    ) async throws(Failure) -> EffectLog.PriorState {
        let isFirst = !recorded.contains(decision.job.sequence)
        let standing = try await ledger.begin(
            effect, of: decision.job, judgedOn: isFirst ? decision.facts ?? [:] : nil)
        recorded.insert(decision.job.sequence)
        return standing
    }

    private func call(
        _ command: AdmittedCommand, _ effect: Effect, of job: Job, lookFirst: Bool
    ) async throws(Failure) -> Performed {
        do throws(Failure) {
            let performed = try await command.perform(
                lookFirst: lookFirst, isLinked: ledger.isLinked)
            try await ledger.finish(effect, of: job, performed)
            return performed
        } catch .permanent(let cause) {
            try await ledger.fail(effect, of: job, cause)
            // The same is said of a record that a field refers to.
            if let record = effect.command.record, cause.code == "ENTITY_IS_DELETED",
                try await command.isGone(record)
            {
                try await ledger.unlink(record.id)
            }
            throw .permanent(cause)
        }
    }
}
