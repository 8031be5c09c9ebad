import Automation
import Models
import Store

/// A leased lane's way to its settlement. Its jobs pass these stages, in the lane's order:
///
///     judge    ReadJob -> JudgedJob             what the rules say, as far as facts are known
///     decide   JudgedJob -> JobDecision         missing facts are fetched, actions are planned
///     plan     JobDecision -> [LaneStep]        defer it, perform it, or end the run
///     fold     [JobDecision] -> FoldedEffects   superseded writes are left out
///     perform  JobDecision -> Outcome           each call is recorded before and after
///     settle   Outcome -> Settlement
///
/// A run changes nothing but its ``LaneProgress``, which one stage passes to the next.
struct LaneRun: Sendable {
    /// Ends the run early: the rest of the lane is due again as `next` says.
    struct EarlyEnd: Error {
        let next: LaneSettlement.Next
    }

    let lane: LeasedLane
    let runtime: ConnectionRuntime
    let effectLog: EffectLog
    let plan: LanePlan
    /// Returns false when the worker stops or its lease is about to end.
    let mayContinue: @Sendable () -> Bool

    /// - Parameter jobs: the lane's jobs, read.
    func settlement(of jobs: [ReadJob], in context: LaneContext) async -> LaneSettlement {
        var progress = LaneProgress(context)
        do {
            try await perform(plan.firstSteps(of: jobs), &progress)
            for job in plan.jobsToJudge(of: jobs) {
                try checkpoint()
                let judged = await judge(job, in: progress.context)
                try await perform(plan.steps(before: judged), &progress)
                let decision = await decide(judged, in: progress.context)
                try await perform(plan.steps(after: decision), &progress)
            }
            try await perform(plan.lastSteps, &progress)
            return settlement(progress, .proceed)
        } catch {
            return settlement(progress, error.next)
        }
    }

    private func settlement(
        _ progress: LaneProgress, _ next: LaneSettlement.Next
    ) -> LaneSettlement {
        LaneSettlement(fence: lane.fence, settlements: progress.settlements, next: next)
    }

    func checkpoint() throws(EarlyEnd) {
        if !mayContinue() { throw EarlyEnd(next: .retry(after: .zero, refundsAttempt: true)) }
    }
}
