import Automation
import Connectors
import Store
import XCTest

@testable import Worker

final class CallSchedulerTests: XCTestCase {
    /// Burst 64, grants of 16 at most, about 15 calls a second.
    private var scheduler = CallScheduler(CallSchedulerLimits(callsPerMinuteMax: 1024))

    override func setUp() {
        scheduler = CallScheduler(CallSchedulerLimits(callsPerMinuteMax: 1024))
    }

    private func check(
        _ caller: CallScheduler.Caller, at now: Double, _ expected: CallScheduler.Step,
        line: UInt = #line
    ) {
        XCTAssertEqual(scheduler.step(of: caller, at: now), expected, line: line)
    }

    /// No minute has more calls, even after a pause and with calls that arrive late.
    func testNoMinuteHasMoreCallsThanTheLimit() {
        for calls in [1, 2, 15, 60, 960, 6000, 100_000] {
            let budget = CallSchedulerLimits(callsPerMinuteMax: calls).budget
            let worst = budget.burst + budget.perSecond * 63
            XCTAssertLessThanOrEqual(worst, Double(max(calls, 2)) + 1e-9, "\(calls) a minute")
            XCTAssertGreaterThanOrEqual(budget.burst, 1)
            XCTAssertGreaterThan(worst, Double(calls) * 0.9, "the limit is made use of")
        }
    }

    func testNoHeaderPausesAnAccountForLong() {
        func check(_ remaining: Int?, _ reset: Double?, _ expected: Double?, line: UInt = #line) {
            let limit = RateLimit(limit: 960, remaining: remaining, resetSeconds: reset)
            XCTAssertEqual(limit.pauseSeconds, expected, line: line)
        }
        check(15, 31, 31)
        check(16, 31, nil)
        check(0, 0, 1)
        check(0, 1_795_725_000, 120)  // A moment, not a time that is left.
        check(0, nil, nil)
        check(nil, 31, nil)
    }

    func testACallerAcquiresForAllThatWait() {
        let callers = (0..<3).map { _ in scheduler.arrive(.ordinary, at: 0) }
        check(callers[1], at: 0, .acquire(3))
        check(callers[0], at: 0, .wait(seconds: 2))
        scheduler.acquired(3, left: 40, at: 0.1)
        for caller in callers { check(caller, at: 0.1, .go) }
        XCTAssertEqual(scheduler.left, 40)
    }

    func testGrantsGrowWithUseAndShrinkWithout() {
        var left = 64
        func use(_ calls: Int, at now: Double) {
            for _ in 0..<calls { check(scheduler.arrive(.ordinary, at: now), at: now, .go) }
        }
        func acquire(at now: Double, _ expected: Int, line: UInt = #line) {
            let caller = scheduler.arrive(.ordinary, at: now)
            check(caller, at: now, .acquire(expected), line: line)
            scheduler.acquired(expected, left: left, at: now)
            check(caller, at: now, .go, line: line)
        }
        acquire(at: 0, 1)
        acquire(at: 0.1, 2)
        use(1, at: 0.1)
        acquire(at: 0.2, 4)
        use(3, at: 0.2)
        acquire(at: 0.3, 8)
        use(7, at: 0.3)
        acquire(at: 0.4, 16)
        use(15, at: 0.4)
        acquire(at: 0.5, 16)
        use(1, at: 0.6)
        acquire(at: 1.5, 8)
        acquire(at: 9, 4)
        acquire(at: 20, 2)
        acquire(at: 30, 1)
        // A process acquires only the calls that it needs when few are left for all.
        left = 15
        acquire(at: 30.1, 2)
        use(1, at: 30.1)
        acquire(at: 30.2, 1)
        left = 16
        acquire(at: 30.3, 1)
        acquire(at: 30.4, 2)
    }

    func testUnusedCallsExpire() {
        let first = scheduler.arrive(.ordinary, at: 0)
        check(first, at: 0, .acquire(1))
        scheduler.acquired(5, left: 20, at: 0)
        check(first, at: 0.5, .go)
        check(scheduler.arrive(.ordinary, at: 0.9), at: 0.9, .go)
        check(scheduler.arrive(.ordinary, at: 1), at: 1, .acquire(2))
    }

    func testTheMoreUrgentGoFirst() {
        let note = scheduler.arrive(.low, at: 0)
        check(note, at: 0, .acquire(1))
        let other = scheduler.arrive(.ordinary, at: 0.1)
        let resolve = scheduler.arrive(.high, at: 0.2)
        let rest = scheduler.arrive(.begun, at: 0.3)
        scheduler.acquired(2, left: 0, at: 0.4)
        check(note, at: 0.4, .acquire(4))
        scheduler.acquireFailed(retryAfterSeconds: 0.5, at: 0.4, jitter: 0)
        check(other, at: 0.4, .wait(seconds: 0.5))
        check(resolve, at: 0.4, .go)
        check(rest, at: 0.4, .go)
        check(note, at: 0.9, .acquire(2))
        scheduler.acquired(1, left: 0, at: 0.9)
        check(note, at: 0.9, .acquire(2))
        check(other, at: 0.9, .go)
    }

    func testAnExhaustedBudgetIsNotAskedInABusyLoop() {
        let caller = scheduler.arrive(.ordinary, at: 0)
        check(caller, at: 0, .acquire(1))
        scheduler.acquireFailed(retryAfterSeconds: 0.01, at: 0, jitter: 0)
        check(caller, at: 0, .wait(seconds: 0.02))
        check(caller, at: 0.02, .acquire(1))
        scheduler.acquireFailed(retryAfterSeconds: 9, at: 0.02, jitter: 0)
        check(caller, at: 0.02, .wait(seconds: 1.98))
        guard case .giveUp(let refusal) = scheduler.step(of: caller, at: 2) else {
            return XCTFail("still there")
        }
        XCTAssertEqual(refusal.reason, .budget)
    }

    func testTheLeastUrgentCallersAreRefusedWhenTooManyWait() {
        let notes = (0..<16).map { _ in scheduler.arrive(.low, at: 0) }
        check(notes[0], at: 0, .acquire(16))
        let resolve = scheduler.arrive(.high, at: 0)
        check(resolve, at: 0, .wait(seconds: 2))
        check(notes[14], at: 0, .wait(seconds: 2))
        guard case .giveUp = scheduler.step(of: notes[15], at: 0) else {
            return XCTFail("too many wait")
        }
    }

    /// Refused callers come back one after the other at the rate of the budget. The more urgent do
    /// not wait for the less urgent, and no caller stays away for longer than a minute.
    func testRefusedCallersComeBackInOrder() {
        let rate = CallSchedulerLimits(callsPerMinuteMax: 1024).budget.perSecond
        func absence(_ urgency: CallUrgency) -> Double {
            let caller = scheduler.arrive(urgency, at: 10)
            if case .giveUp(let refusal) = scheduler.step(of: caller, at: 12) {
                return refusal.seconds
            }
            XCTFail("not refused")
            return 0
        }
        for number in 1...5 {
            XCTAssertEqual(absence(.low), Double(number) / rate, accuracy: 1e-9)
        }
        XCTAssertEqual(absence(.high), 1 / rate, accuracy: 1e-9)
        XCTAssertEqual(absence(.low), 7 / rate, accuracy: 1e-9)
        for _ in 0..<2000 { _ = absence(.low) }
        XCTAssertEqual(absence(.low), 60, accuracy: 1e-9)
        XCTAssertEqual(absence(.high), 2 / rate, accuracy: 1e-9)
    }

    func testAClosedSchedulerRefusesAllCallersAtOnce() {
        let caller = scheduler.arrive(.begun, at: 0)
        check(caller, at: 0, .acquire(1))
        scheduler.acquired(5, left: 20, at: 0)
        XCTAssertTrue(scheduler.close(.closed, until: 30))
        XCTAssertFalse(scheduler.close(.down, until: 20), "it is closed for longer already")
        check(caller, at: 1, .giveUp(CallScheduler.Refusal(reason: .closed, seconds: 29)))
        XCTAssertTrue(scheduler.close(.down, until: 40))
        check(
            scheduler.arrive(.high, at: 31), at: 31,
            .giveUp(CallScheduler.Refusal(reason: .down, seconds: 9)))
        XCTAssertNil(scheduler.closed(at: 40))
        check(scheduler.arrive(.low, at: 40), at: 40, .acquire(2))
    }
}
