import Automation
import Models
import Runtime

/// One step of a lane's run.
enum LaneStep: Sendable {
    /// Keep the decision until the next flush: a later job may supersede its effects.
    case `defer`(JobDecision)
    /// Perform and settle all deferred decisions, superseded writes left out.
    case flush
    /// Perform and settle this decision.
    case perform(JobDecision)
    /// End the run; the rest of the lane is due again as `next` says.
    case end(LaneSettlement.Next)
}

/// Decides the steps of a lane's run, without I/O.
///
/// A decision that only sets fields is deferred until the next job is decided, which may set them
/// again. Everything else is performed at once, after the deferred decisions. Without a backlog no
/// decision waits.
struct LanePlan: Sendable {
    let attempts: LaneAttempts

    /// Fails the job at the head after its last attempt: workers that die of a job leave nothing
    /// behind but its count of attempts.
    func firstSteps(of jobs: [ReadJob]) -> [LaneStep] {
        guard attempts.areOver, let job = jobs.first?.job else { return [] }
        return [.perform(JobDecision(job, .settle(.failed(attempts.poisonCause))))]
    }

    /// The job at the head goes alone after half of the attempts: if it is the one that ends every
    /// worker, no other is blamed for it. Not earlier, so that writes that were folded once are
    /// folded again, and no older value is written over a newer one.
    func jobsToJudge(of jobs: [ReadJob]) -> ArraySlice<ReadJob> {
        if attempts.areOver { return [] }
        return attempts.areHalfOver ? jobs.prefix(1) : jobs[...]
    }

    /// A fetch for a job must see what the lane's earlier events have done.
    func steps(before judged: JudgedJob) -> [LaneStep] { judged.needsFetch ? [.flush] : [] }

    /// A failed event must not overtake the deferred ones.
    func steps(after decided: Result<JobDecision, FailedDecision>) -> [LaneStep] {
        switch decided {
        case .success(let decision):
            decision.isDeferrable ? [.defer(decision)] : [.flush, .perform(decision)]
        case .failure(let failed):
            switch attempts.decision(after: failed.failure, on: failed.job) {
            case .again(let next): [.flush, .end(next)]
            case .giveUp(let cause): [.flush, .perform(failed.settled(because: cause))]
            }
        }
    }

    var lastSteps: [LaneStep] { [.flush] }
}

/// The count of attempts at a lane's jobs. It is the count of the job at the head: for each job
/// behind it this is the first attempt.
struct LaneAttempts: Sendable {
    let attempt: Int
    let head: Int64?
    let attemptsMax: Int
    let jitter: Jitter

    init(at lane: LeasedLane, attemptsMax: Int, jitter: Jitter) {
        attempt = lane.attempt
        head = lane.jobs.first?.sequence
        self.attemptsMax = attemptsMax
        self.jitter = jitter
    }

    var areOver: Bool { attempt > attemptsMax }
    var areHalfOver: Bool { attempt > attemptsMax / 2 }

    func number(of job: Job) -> Int { job.sequence == head ? attempt : 1 }

    /// The next attempt after a failure, or the cause with which the job is given up.
    func decision(after failure: Failure, on job: Job) -> Backoff.RetryDecision {
        Backoff.decision(
            after: failure, attempt: number(of: job), attemptsMax: attemptsMax,
            jitter: jitter.unit())
    }

    /// The cause with which a job fails whose attempts all ended without a result.
    var poisonCause: Cause {
        Cause(
            .liaison, code: "attempts",
            message: "\(attemptsMax) attempts ended without a result; the worker may die of it")
    }
}
