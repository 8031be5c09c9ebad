import Automation
import Models
import Store

/// Why each rule did or did not fire for one event. Nothing of it is stored: evaluation is pure, so
/// the event, the facts of the ledger and the rules of that version give it again.
struct Explanation {
    let logged: LoggedEvent
    let history: RuleHistory
    /// One for each enabled rule, or one for each record that it was applied to.
    var evaluations: [Evaluation] = []
    /// What was done for the event, also by what it replays.
    var effects: [EffectKey: EffectProgress] = [:]
    /// What the matched rules want, by the facts of then: its remarks say why nothing came of an
    /// action.
    var plan = Plan()
    /// Why the event cannot be evaluated at all.
    var unreadable: Cause?

    /// Rules count time from when the event occurred, here as in the worker: the same answer.
    ///
    /// - Parameter rule: `ruleset/rule`, or the rule's id alone; `nil` asks about all.
    static func of(
        _ logged: LoggedEvent, rule: String? = nil, from store: Store
    ) async throws(CommandError) -> Explanation {
        let history = try await RuleHistory(of: logged, from: store)
        let only = try rule.map { name throws(CommandError) in try history.rule(named: name) }
        var explanation = Explanation(logged: logged, history: history)
        let event: EventFacts
        do throws(UnreadableEvent) {
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
        return try await mappingErrors { () throws(StoreError) in
            let own = try await store.effects(of: [job], in: lane)
            guard job.event.original != job.event.id else { return own }
            let earlier = try await store.effects(ofAll: job.event.original, in: lane)
            let all = Dictionary(
                earlier.records.map { ($0.key, $0.progress) }, uniquingKeysWith: { $1 })
            return own.merging(all) { own, _ in own }
        }
    }

    /// Those of the ledger. A waiting event has none yet unless it has begun to act: its links are
    /// as they are now.
    private static func facts(
        of event: EventFacts, _ logged: LoggedEvent, from store: Store
    ) async throws(CommandError) -> Facts {
        if let ending = logged.ending {
            return ending.facts.map { Facts(event: event, json: $0) } ?? Facts(event: event)
        }
        let begun = try await mappingErrors { () throws(StoreError) in
            try await store.begunFacts(of: logged.job, in: logged.lane)
        }
        if let begun { return Facts(event: event, json: begun) }
        let connection = logged.job.event.connection
        let subjects = event.linkSubjects
        var links = try await mappingErrors { () throws(StoreError) in
            guard let incident = subjects.incident else {
                return try await store.links(records: subjects.records, in: connection)
            }
            return try await store.links(incident: incident, in: connection)
        }
        if let implied = event.impliedLink, !links.contains(implied) { links.append(implied) }
        return Facts(event: event, links: links)
    }
}
