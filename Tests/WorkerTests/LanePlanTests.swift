import JSON
import Models
import Runtime
import XCTest

@testable import Automation
@testable import Worker

/// The steps of a lane's run, without database and vendor.
final class LanePlanTests: XCTestCase {
    private static let note = Command.addNote("Q1", text: "a note")
    private static let write = LaneJobs.writing(["Status": "Closed"])
    private static let cause = LaneJobs.cause

    func testADecisionIsDeferredOrPerformed() {
        check(LaneJobs.decision(2), ["defer 2 as unmatched"])
        check(LaneJobs.decision(2, Self.write), ["defer 2"])
        check(LaneJobs.decision(2, Self.write, Self.write), ["defer 2"])
        check(LaneJobs.decision(2, Self.note), ["flush", "perform 2"])
        check(LaneJobs.decision(2, Self.write, Self.note), ["flush", "perform 2"])
        check(LaneJobs.decision(2, Self.write, replays: true), ["flush", "perform 2"])
        check(LaneJobs.decision(2, replays: true), ["flush", "perform 2 as unmatched"])
        check(JobDecision(LaneJobs.job(2), .settle(.failed(Self.cause))), ["defer 2 as failed"])
    }

    func testAFailureFlushesBeforeTheRunEndsOrTheJobIsGivenUp() {
        let waits = Failure.throttled(Self.cause, retryAfter: .seconds(7))
        let retries = Failure.retryable(Self.cause)
        // The jitter of these tests is half of the longest wait.
        check(failed(1, retries), ["flush", "end after 1.0 s, attempt counts"])
        check(failed(1, retries), attempt: 3, ["flush", "end after 4.0 s, attempt counts"])
        check(failed(1, retries), attempt: 8, ["flush", "perform 1 as failed"])
        check(failed(2, retries), attempt: 8, ["flush", "end after 1.0 s, attempt counts"])
        check(failed(1, waits), attempt: 8, ["flush", "end after 7.0 s, attempt is free"])
        check(failed(1, .interrupted), attempt: 8, ["flush", "end after 0.0 s, attempt is free"])
        check(failed(1, .permanent(Self.cause)), ["flush", "perform 1 as failed"])
        check(failed(2, .permanent(Self.cause)), ["flush", "perform 2 as failed"])
    }

    func testAFetchComesAfterWhatIsDeferred() {
        let job = LaneJobs.job(2)
        let facts = LaneJobs.facts(of: job)
        var judgement = Judgement()
        check(before: .judged(job, facts, judgement), [])
        judgement.needs.incidents = ["Q1"]
        check(before: .judged(job, facts, judgement), ["flush"])
        check(before: .decided(LaneJobs.decision(2, Self.note)), [])
        check(before: .failed(failed(2, .interrupted)), [])
        check(before: .replay(job, facts.event), ["flush"])
    }

    func testARunEndsWithAFlush() {
        XCTAssertEqual(plan(attempt: 1).lastSteps.map(\.words), ["flush"])
    }

    /// Attempts at the job at the head, and what the run then does with a lane of three jobs.
    func testAJobThatMayKillItsWorkersGoesAlone() {
        let rows: [(attempt: Int, judged: [Int64], steps: [String])] = [
            (1, [1, 2, 3], []), (4, [1, 2, 3], []), (5, [1], []), (8, [1], []),
            (9, [], ["perform 1 as failed"]),
        ]
        for (attempt, judged, steps) in rows {
            let (plan, jobs) = (plan(attempt: attempt), (1...3).map { ReadJob(LaneJobs.job($0)) })
            XCTAssertEqual(
                plan.jobsToJudge(of: jobs).map(\.job.sequence), judged, "attempt \(attempt)")
            XCTAssertEqual(
                plan.firstSteps(of: jobs).map(\.words), steps, "attempt \(attempt)")
        }
        XCTAssertEqual(plan(attempt: 9).firstSteps(of: []).map(\.words), [])
    }

    private func plan(attempt: Int) -> LanePlan {
        LanePlan(
            attempts: LaneAttempts(
                at: LaneJobs.lane(1...3, attempt: attempt), attemptsMax: 8,
                jitter: Jitter { 0.5 }))
    }

    private func check(_ decision: JobDecision, _ expected: [String], line: UInt = #line) {
        let steps = plan(attempt: 1).steps(after: .success(decision))
        XCTAssertEqual(steps.map(\.words), expected, line: line)
    }

    private func check(
        _ failed: FailedDecision, attempt: Int = 1, _ expected: [String], line: UInt = #line
    ) {
        let steps = plan(attempt: attempt).steps(after: .failure(failed))
        XCTAssertEqual(steps.map(\.words), expected, line: line)
    }

    private func check(before judged: JudgedJob, _ expected: [String], line: UInt = #line) {
        let steps = plan(attempt: 1).steps(before: judged)
        XCTAssertEqual(steps.map(\.words), expected, line: line)
    }

    private func failed(_ sequence: Int64, _ failure: Failure) -> FailedDecision {
        FailedDecision(job: LaneJobs.job(sequence), failure: failure)
    }
}

extension LaneStep {
    fileprivate var words: String {
        switch self {
        case .defer(let decision): "defer \(decision.words)"
        case .flush: "flush"
        case .perform(let decision): "perform \(decision.words)"
        case .end(.proceed): "end"
        case .end(.retry(let pause, let refunds, _)):
            "end after \(pause / .seconds(1)) s, attempt \(refunds ? "is free" : "counts")"
        }
    }
}

extension JobDecision {
    fileprivate var words: String {
        switch disposition {
        case .settle(let outcome): "\(job.sequence) as \(outcome.name)"
        case .perform: "\(job.sequence)"
        }
    }
}
