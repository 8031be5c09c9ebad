import Automation
import Models
import Store

/// An answer to "why did this rule fire, or not, for this event?". It is computed and not stored:
/// evaluation is pure, so the event, its stored facts and the rules of that version give it again.
struct Explanation {
    let logged: LoggedEvent
    let history: RuleHistory
    /// An evaluation for each enabled rule, or for each record that the rule was applied to.
    var evaluations: [Evaluation] = []
    /// The effects of the event, and those of the event that it replays.
    var effects: [EffectKey: EffectProgress] = [:]
    /// The plan of the matched rules by the stored facts. Its remarks say why an action had no
    /// effect.
    var plan = Plan()
    /// The reason why the event cannot be evaluated at all.
    var unreadable: Cause?

    /// Rules count time from the moment of the event, as in the worker, so the answer is the same.
    ///
    /// - Parameter rule: `ruleset/rule`, or the rule's id alone; `nil` asks about all.
    static func of(
        _ logged: LoggedEvent, rule: String? = nil, from store: Store
    ) async throws(CommandError) -> Explanation {
        let history = try await RuleHistory(of: logged, from: store)
        let only = try rule.map { name throws(CommandError) in try history.rule(named: name) }
        var explanation = Explanation(logged: logged, history: history)
        let event: EventFacts
        do {
            event = try EventFacts(logged.job.event)
        } catch {
            explanation.unreadable = error.cause
            return explanation
        }
        explanation.effects = try await effects(of: logged, from: store)
        let facts = try await facts(of: event, logged, from: store)
        let rulebook = Rulebook(
            connection: logged.job.event.connection, version: history.version,
            rulesets: history.rulesets)
        explanation.evaluations = rulebook.explain(
            facts, now: event.event.occurredAt, only: only)
        explanation.plan = rulebook.plan(explanation.evaluations.compactMap(\.match), facts)
        return explanation
    }

    private static func effects(
        of logged: LoggedEvent, from store: Store
    ) async throws(CommandError) -> [EffectKey: EffectProgress] {
        let (job, lane) = (logged.job, logged.lane)
        let own = try await mappingErrors(await store.effects(of: [job], in: lane))
        guard job.event.effectOwner != job.event.id else { return own }
        let earlier = try await mappingErrors(
            await store.effects(ofAll: job.event.effectOwner, in: lane))
        let all = Dictionary(
            earlier.records.map { ($0.key, $0.progress) }, uniquingKeysWith: { $1 })
        return own.merging(all) { own, _ in own }
    }

    /// The facts that were stored with the outcome. A waiting event that began an effect has stored
    /// some, too; for any other, the links are the present ones.
    private static func facts(
        of event: EventFacts, _ logged: LoggedEvent, from store: Store
    ) async throws(CommandError) -> Facts {
        if let ending = logged.ending {
            return ending.facts.map { Facts(event: event, json: $0) } ?? Facts(event: event)
        }
        let begun = try await mappingErrors(await store.begunFacts(of: logged.job, in: logged.lane))
        if let begun { return Facts(event: event, json: begun) }
        let connection = logged.job.event.connection
        let subjects = event.linkSubjects
        var links =
            if let incident = subjects.incident {
                try await mappingErrors(await store.links(incident: incident, in: connection))
            } else {
                try await mappingErrors(
                    await store.links(records: subjects.records, in: connection))
            }
        if let implied = event.impliedLink, !links.contains(implied) { links.append(implied) }
        return Facts(event: event, links: links)
    }
}
