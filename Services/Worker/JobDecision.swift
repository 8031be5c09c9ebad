import Automation
import JSON
import Models
import Store

/// A job with what its event tells, read once.
struct ReadJob: Sendable {
    let job: Job
    let facts: Result<EventFacts, UnreadableEvent>

    init(_ job: Job) {
        self.job = job
        facts = Result { () throws(UnreadableEvent) in try EventFacts(job.event) }
    }
}

/// A job as far as it can be judged without a fetch.
enum JudgedJob: Sendable {
    /// No rule can concern the event, or it cannot be read.
    case decided(JobDecision)
    case failed(FailedDecision)
    case judged(Job, Facts, Judgement)
    /// A replay of what its original left undone: the effect log tells what that is.
    case replay(Job, EventFacts)

    var needsFetch: Bool {
        switch self {
        case .decided, .failed: false
        case .judged(_, _, let judgement): !judgement.needs.isEmpty
        case .replay: true
        }
    }
}

/// The decision on one job.
struct JobDecision: Sendable {
    enum Disposition: Sendable {
        /// Nothing is to be performed.
        case settle(Outcome)
        /// - success: the outcome if nothing fails.
        ///
        /// Indirect, because most jobs have no actions and are passed on many times.
        indirect case perform(ActionPlan, success: Outcome)
    }

    let job: Job
    let disposition: Disposition
    /// The facts that the rules were judged on, for the settlement; `nil` if they were the event's
    /// own.
    let facts: JSON?

    init(_ job: Job, _ disposition: Disposition, judgedOn facts: JSON? = nil) {
        self.job = job
        self.disposition = disposition
        self.facts = facts
    }

    var effects: [Effect] {
        switch disposition {
        case .perform(let actions, _): actions.effects
        case .settle: []
        }
    }

    /// True if a later job may still make its effects superfluous. A replay is performed by itself,
    /// because some of its effects may be done.
    var isDeferrable: Bool {
        !job.isReplayOfRest
            && effects.allSatisfy {
                if case .updateRecord = $0.command { true } else { false }
            }
    }
}

/// A job that could not be decided.
struct FailedDecision: Error {
    let job: Job
    let failure: Failure
    /// The facts that were known when the decision failed.
    var facts: JSON?

    func settled(because cause: Cause) -> JobDecision {
        JobDecision(job, .settle(.failed(cause)), judgedOn: facts)
    }
}

extension Job {
    /// True for a replay of what its original left undone.
    var isReplayOfRest: Bool { event.replay?.scope == .rest }
}
