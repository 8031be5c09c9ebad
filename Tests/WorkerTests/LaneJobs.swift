import Automation
import JSON
import Models
import Runtime

@testable import Worker

/// Jobs and decisions of one lane, for the tests of a lane's run. A job is named by its sequence.
enum LaneJobs {
    static let cause = Cause(.salesforce, code: "C", message: "refused")
    static var record: RecordReference {
        guard let id = RecordID("500000000000001AAA") else { fatalError("no record id") }
        return RecordReference(object: "Case", id: id)
    }

    static func job(_ sequence: Int64, replays: Bool = false) -> Job {
        let payload: JSON = [
            "event_type": "incident.escalated", "data": ["id": "Q1", "type": "incident"],
        ]
        let event = Event(
            id: EventID("e\(sequence)"), connection: "acme", source: .pagerDuty,
            kind: .incident(.escalated), occurredAt: Timestamp(seconds: 0), lane: "k",
            format: .pagerDutyV3,
            payload: payload.bytes)
        return Job(
            sequence: sequence, segment: 1,
            event: replays ? event.replayed(.rest, nonce: "n") : event)
    }

    static func lane(_ jobs: ClosedRange<Int64>, attempt: Int = 1) -> LeasedLane {
        LeasedLane(
            id: 1, connection: "acme", key: "k", epoch: 1, attempt: attempt,
            jobs: jobs.map { job($0) })
    }

    static func facts(of job: Job) -> Facts {
        guard case .success(let event) = ReadJob(job).facts else { fatalError("unreadable") }
        return Facts(event: event)
    }

    static func effect(
        _ sequence: Int64, _ ordinal: Int = 0, _ command: Command, rule: RuleID = "rule"
    ) -> Effect {
        let key = EffectKey(event: EventID("e\(sequence)"), rule: rule, ordinal: ordinal)
        return Effect(key: key, rule: rule, ordinal: ordinal, command: command)
    }

    static func writing(_ fields: JSONObject) -> Command {
        .updateRecord(record, fields: fields, options: RecordWriteOptions())
    }

    static func plan(_ effects: [Effect], problems: [Plan.Problem] = []) -> Plan {
        var plan = Plan()
        plan.effects = effects
        plan.problems = problems
        return plan
    }

    static func decision(
        _ sequence: Int64, _ commands: Command..., replays: Bool = false
    ) -> JobDecision {
        decision(sequence, commands, replays: replays)
    }

    static func decision(
        _ sequence: Int64, _ commands: [Command], replays: Bool = false
    ) -> JobDecision {
        let job = job(sequence, replays: replays)
        let effects = commands.enumerated().map { effect(sequence, $0, $1) }
        let actions = ActionPlan(plan(effects), of: [], facts(of: job))
        return JobDecision(
            job, effects.isEmpty ? .settle(.unmatched) : .perform(actions, success: .applied))
    }
}
