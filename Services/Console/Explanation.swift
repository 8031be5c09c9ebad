import Automation
import Models
import Store

/// Why each rule did or did not fire for one event. Nothing of it is stored: evaluation is pure, so
/// the event, the facts of the ledger and the rules of that version give it again.
struct Explanation {
    let logged: LoggedEvent
    /// Of the rules that were asked.
    let version: Int64
    let versionInForce: Int64
    /// One for each enabled rule, or one for each record that it was applied to.
    var evaluations: [Evaluation] = []
    /// What became of rules since that version; nothing of those that are not here.
    var changes: [RuleID: RuleCatalogue.Change] = [:]
    /// Why the event cannot be evaluated at all.
    var unreadable: Cause?

    /// - Parameter rule: `ruleset/rule`, or the rule's id alone; `nil` asks about all.
    static func of(
        _ logged: LoggedEvent, rule: String? = nil, from store: Store
    ) async throws(Complaint) -> Explanation {
        let connection = logged.job.event.connection
        let inForce = try await asking { () throws(StoreError) in
            try await store.configurationVersion()
        }
        let version = logged.ending?.configurationVersion ?? inForce
        let then = try await asking { () throws(StoreError) in
            try await store.rulesets(of: connection, at: version)
        }
        let now = try await asking { () throws(StoreError) in
            try await store.rulesets(of: connection, at: inForce)
        }
        let catalogue = RuleCatalogue(then)
        var explanation = Explanation(logged: logged, version: version, versionInForce: inForce)
        let only = try rule.map { name throws(Complaint) in
            try catalogue.id(named: name, version: version)
        }
        explanation.changes = catalogue.changes(to: RuleCatalogue(now))
        let event: EventFacts
        do throws(UnreadableEvent) {
            event = try EventFacts(logged.job.event)
        } catch {
            explanation.unreadable = error.cause
            return explanation
        }
        let facts = try await facts(of: event, logged, from: store)
        explanation.evaluations = Rulebook(
            connection: connection, version: version, rulesets: then
        ).explain(facts, now: logged.ending?.settledAt ?? logged.appendedAt, only: only)
        return explanation
    }

    /// Those of the ledger. A waiting event has none yet: its links are as they are now.
    private static func facts(
        of event: EventFacts, _ logged: LoggedEvent, from store: Store
    ) async throws(Complaint) -> Facts {
        if let ending = logged.ending {
            return ending.facts.map { Facts(event: event, json: $0) } ?? Facts(event: event)
        }
        let connection = logged.job.event.connection
        let subjects = event.linkSubjects
        var facts = Facts(event: event)
        facts.links = try await asking { () throws(StoreError) in
            guard let incident = subjects.incident else {
                return try await store.links(records: subjects.records, in: connection)
            }
            return try await store.links(incident: incident, in: connection)
        }
        return facts
    }
}
