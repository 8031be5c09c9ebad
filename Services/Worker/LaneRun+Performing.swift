import Automation
import JSON
import Models
import Store

extension LaneRun {
    func perform(
        _ steps: [LaneStep], _ progress: inout LaneProgress
    ) async throws(EarlyEnd) {
        for step in steps {
            switch step {
            case .defer(let decision): progress.defer(decision)
            case .flush: try await flush(&progress)
            case .perform(let decision): try await perform(decision, &progress)
            case .end(let next): throw EarlyEnd(next: next)
            }
        }
    }

    private func flush(_ progress: inout LaneProgress) async throws(EarlyEnd) {
        let decisions = progress.takeDeferred()
        if let folded = FoldedEffects(decisions) { try await perform(folded, &progress) }
        for decision in decisions { try await perform(decision, &progress) }
    }

    private func perform(
        _ decision: JobDecision, _ progress: inout LaneProgress
    ) async throws(EarlyEnd) {
        switch decision.disposition {
        case .perform(let actions, let success):
            let cause = try await perform(actions, of: decision, &progress)
            settle(decision, as: cause.map(Outcome.failed) ?? success, &progress)
        case .settle(let outcome):
            settle(decision, as: outcome, &progress)
        }
    }

    private func settle(
        _ decision: JobDecision, as outcome: Outcome, _ progress: inout LaneProgress
    ) {
        progress.settle(
            Settlement(
                job: decision.job, attempt: plan.attempts.number(of: decision.job),
                outcome: outcome, facts: decision.facts, configurationVersion: runtime.version))
    }

    /// Ends the run if the job is to be tried again.
    ///
    /// - Returns: the cause with which the job is given up.
    private func retryOrGiveUp(_ failure: Failure, on job: Job) throws(EarlyEnd) -> Cause {
        switch plan.attempts.decision(after: failure, on: job) {
        case .again(let next): throw EarlyEnd(next: next)
        case .giveUp(let cause): return cause
        }
    }
}

extension LaneRun {
    /// Performs the writes that are left, then records them all: a write that was made without some
    /// of its fields is not done before the later write is that brings them.
    ///
    /// A refusal, by the vendor or of a record, ends it silently. The decisions are then performed
    /// one by one, so that each gets the vendor's own words and no valid value is lost. A write
    /// that is not recorded is repeated then, which is harmless.
    private func perform(
        _ folded: FoldedEffects, _ progress: inout LaneProgress
    ) async throws(EarlyEnd) {
        var made: [(write: FoldedEffects.FoldedWrite, performed: Performed)] = []
        for write in folded.writes {
            try checkpoint()
            do {
                guard let performed = try await make(write, &progress) else { continue }
                made.append((write, performed))
            } catch {
                _ = try retryOrGiveUp(error, on: folded.head)
                return
            }
        }
        for (write, performed) in made {
            do {
                try await effectLog.finish(
                    write.effect, of: write.decision.job, performed,
                    superseding: write.superseded)
            } catch {
                // Writes after an unrecorded one must be repeated after it.
                _ = try retryOrGiveUp(error, on: folded.head)
                return
            }
            progress.done(write.effect.key)
            for effect in write.superseded { progress.done(effect.key) }
        }
    }

    /// - Returns: nil if an earlier attempt performed it.
    private func make(
        _ write: FoldedEffects.FoldedWrite, _ progress: inout LaneProgress
    ) async throws(Failure) -> Performed? {
        try await runtime.vendors.admitted(
            for: write.effect.command, while: mayContinue
        ) { command async throws(Failure) -> Performed? in
            switch try await begin(write.effect, of: write.decision, &progress) {
            case .performed: nil
            case .notStarted, .started: try await command.perform(lookFirst: false)
            }
        }
    }
}

extension LaneRun {
    /// - Returns: the cause with which the event fails, if one of its actions did.
    private func perform(
        _ planned: ActionPlan, of decision: JobDecision, _ progress: inout LaneProgress
    ) async throws(EarlyEnd) -> Cause? {
        var actions = planned
        while let effect = actions.next() {
            try checkpoint()
            do {
                let performed = try await perform(effect, of: decision, actions.earlier, &progress)
                if let link = performed?.link {
                    let incident = performed?.incident
                    let needs = actions.created(link, incident, by: effect, runtime.rulebook)
                    if !needs.isEmpty {
                        try await runtime.vendors.fetch(needs, into: &actions.facts)
                    }
                    actions.replan(by: runtime.rulebook)
                }
            } catch {
                actions.gaveUp(effect, try retryOrGiveUp(error, on: decision.job))
            }
        }
        return actions.cause
    }

    /// - Returns: what came of it, now or in an earlier attempt; nil if this run performed it
    ///   before.
    private func perform(
        _ effect: Effect, of decision: JobDecision, _ earlier: EarlierEffects?,
        _ progress: inout LaneProgress
    ) async throws(Failure) -> Performed? {
        if progress.isDone(effect.key) { return nil }
        let before = earlier?.progress(of: effect)
        if case .ended(.performed(let result)) = before {
            return effect.command.performed(before: result)
        }
        let performed = try await runtime.vendors.admitted(
            for: effect.command, while: mayContinue
        ) { command async throws(Failure) -> Performed in
            switch try await begin(effect, of: decision, &progress) {
            case .performed(let result): effect.command.performed(before: result)
            case .notStarted:
                try await call(command, effect, of: decision.job, lookFirst: before == .started)
            case .started:
                try await call(command, effect, of: decision.job, lookFirst: true)
            }
        }
        progress.done(effect.key, making: performed.link)
        return performed
    }

    private func begin(
        _ effect: Effect, of decision: JobDecision, _ progress: inout LaneProgress
    ) async throws(Failure) -> EffectLog.PriorState {
        let facts = progress.hasFacts(of: decision.job) ? nil : decision.facts ?? [:]
        let prior = try await effectLog.begin(effect, of: decision.job, judgedOn: facts)
        progress.recordedFacts(of: decision.job)
        return prior
    }

    private func call(
        _ command: AdmittedCommand, _ effect: Effect, of job: Job, lookFirst: Bool
    ) async throws(Failure) -> Performed {
        do {
            let performed = try await command.perform(
                lookFirst: lookFirst, isLinked: effectLog.isLinked)
            try await effectLog.finish(effect, of: job, performed)
            return performed
        } catch .permanent(let cause) {
            try await effectLog.fail(effect, of: job, cause)
            // Salesforce has the same code for a deleted record that a field refers to.
            if let record = effect.command.record, cause.code == "ENTITY_IS_DELETED",
                try await command.isGone(record)
            {
                try await effectLog.unlink(record.id)
            }
            throw .permanent(cause)
        }
    }
}
