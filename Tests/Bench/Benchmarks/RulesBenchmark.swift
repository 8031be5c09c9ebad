import Automation
import JSON
import Models

/// The CPU time that 10,000 enabled rules cost one event: finding what must be fetched, evaluating
/// and planning, as the worker does. The clock is the thread's own. 20 of the rules could match;
/// the others ask for another service or another priority.
struct RulesBenchmark {
    private static let rules = 10_000
    private static let candidates = 20
    private static let events = 5_000

    func run() throws -> [Measurement] {
        let many = try latency(against: Self.rules).milliseconds(quantile: 0.99)
        let few = try latency(against: 10 * Self.candidates).milliseconds(quantile: 0.99)
        return [
            Measurement(
                name: "rules", value: many, unit: "ms p99", yardstick: few,
                goal: "<= 1 ms, and <= 2 x what 200 rules cost, 20 of which could match",
                ok: many <= 1 && many <= 2 * few)
        ]
    }

    private func latency(against count: Int) throws -> Histogram {
        let rulebook = Rulebook(
            connection: "bench", version: 1, rulesets: try Self.rulesets(count))
        let webhooks = Webhooks(incidents: Self.events)
        let facts = try (0..<Self.events).map {
            Facts(event: try EventFacts(webhooks.event($0).event))
        }
        var latency = Histogram()
        for round in 0..<4 {
            for fact in facts {
                let start = threadNanoseconds()
                let judgement = rulebook.judge(fact, now: fact.event.event.occurredAt)
                let plan = rulebook.plan(judgement.matches, fact)
                let end = threadNanoseconds()
                guard judgement.needs.isEmpty, plan.effects.isEmpty,
                    (Self.candidates...2 * Self.candidates).contains(judgement.rulesAsked)
                else { throw BenchFailure("\(judgement.rulesAsked) rules were evaluated") }
                // The first round warms up.
                if round > 0 { latency.record(nanoseconds: end - start) }
            }
        }
        return latency
    }

    private static func rulesets(_ count: Int) throws -> [Ruleset] {
        let rules = (0..<count).map { number in
            BenchRules.rule("rule-\(number)", when: ["all": conditions(number, of: count)])
        }
        return try stride(from: 0, to: count, by: RuleLimits.rulesMax).map { start in
            let part = rules[start..<min(start + RuleLimits.rulesMax, count)]
            return try BenchRules.ruleset("Rules from \(start)", Array(part))
        }
    }

    /// Returns two conditions; the first excludes the rules that cannot match.
    private static func conditions(_ number: Int, of count: Int) -> JSON {
        let text: JSON = [
            "field": "incident.title", "operator": "contains",
            "value": .string("no title says \(number)"),
        ]
        let isCandidate = number % (count / candidates) == 0
        let service = isCandidate ? "PSERVIC" : "PS\(100_000 + number)"
        let field = isCandidate || number % 2 == 0 ? "incident.service.id" : "incident.priority.id"
        let excluding: JSON = [
            "field": .string(field), "operator": "equals", "value": .string(service),
        ]
        return [excluding, text]
    }
}
