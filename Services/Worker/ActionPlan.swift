import Automation
import Models
import Store

/// The actions of one job: the effects that are still to be tried, and what they follow from.
///
/// An effect that is given up does not keep the others from being performed; the event is then
/// failed with the first cause. Only the actions that a rule wants after creating something are
/// left out if the creation fails.
struct ActionPlan: Sendable {
    /// The facts that the actions are filled in with.
    var facts: Facts
    /// Effects of the event that this one replays; `nil` for what is no replay.
    let earlier: EarlierEffects?
    private var matches: [Match]
    private var plan: Plan
    private var keysTried: Set<EffectKey> = []
    private var commandsTried: Set<Command> = []
    /// Rules whose creation failed.
    private var abandoned: Set<RuleID> = []
    private var firstCause: Cause?

    init(_ plan: Plan, of matches: [Match], _ facts: Facts, earlier: EarlierEffects? = nil) {
        self.facts = facts
        self.earlier = earlier
        self.matches = matches
        self.plan = plan
    }

    var effects: [Effect] { plan.effects }
    var isEmpty: Bool { plan.effects.isEmpty && plan.problems.isEmpty }

    /// Returns the next effect, which counts as tried from then on. Returns nil after the last one.
    mutating func next() -> Effect? {
        let next = plan.effects.first { effect in
            !keysTried.contains(effect.key) && !abandoned.contains(effect.rule)
        }
        if let next {
            keysTried.insert(next.key)
            commandsTried.insert(next.command)
        }
        return next
    }

    mutating func gaveUp(_ effect: Effect, _ cause: Cause) {
        firstCause = firstCause ?? cause
        if effect.command.isCreation { abandoned.insert(effect.rule) }
    }

    /// Adds what an effect created to the facts.
    ///
    /// - Returns: the facts that the actions after it need; ``replan(by:)`` plans those actions.
    mutating func created(
        _ link: Link, _ incident: Incident?, by creation: Effect, _ rulebook: Rulebook
    ) -> FactNeeds {
        facts.add(link, incident)
        let rest = rulebook.rest(of: matches, after: creation, link)
        plan.problems.removeAll { problem in rest.contains { $0.rule == problem.rule } }
        matches = rest
        return rulebook.needs(of: matches, facts)
    }

    /// Plans the actions after a creation: they can act on the new record or incident and name it.
    mutating func replan(by rulebook: Rulebook) {
        let problems = plan.problems
        plan = rulebook.plan(matches, facts, after: commandsTried)
        plan.problems.insert(contentsOf: problems, at: 0)
    }

    /// The cause with which the event fails after the last effect; nil if nothing failed.
    var cause: Cause? { plan.problems.first?.cause ?? firstCause }
}
