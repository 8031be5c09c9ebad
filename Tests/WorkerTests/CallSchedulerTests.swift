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

    private let start = ContinuousClock.now

    /// A moment of the test, counted from its start.
    private func at(_ seconds: Double) -> ContinuousClock.Instant {
        start + .milliseconds(Int((seconds * 1000).rounded()))
    }

    private func enqueue(_ urgency: CallUrgency, at now: Double) -> CallScheduler.Caller {
        scheduler.enqueue(urgency, at: at(now))
    }

    private func acquired(_ calls: Int, left: Int, at now: Double, line: UInt = #line) {
        let action = scheduler.acquireEnded(
            .acquired(calls, left: left), at: at(now), jitter: 0)
        XCTAssertEqual(action, .wakeCallers, line: line)
    }

    private func acquireFailed(retryAfter: Duration, at now: Double, line: UInt = #line) {
        let action = scheduler.acquireEnded(
            .failed(retryAfter: retryAfter), at: at(now), jitter: 0)
        XCTAssertEqual(action, .wakeCallers, line: line)
    }

    private func check(
        _ caller: CallScheduler.Caller, at now: Double, _ expected: CallScheduler.CallerStep,
        line: UInt = #line
    ) {
        XCTAssertEqual(scheduler.step(of: caller, at: at(now)), expected, line: line)
    }

    /// The limit holds also when all was saved up and calls arrive late.
    func testNoMinuteHasMoreCallsThanTheLimit() {
        for calls in [1, 2, 15, 60, 960, 6000, 100_000] {
            let budget = CallSchedulerLimits(callsPerMinuteMax: calls).budget
            let worst = budget.burst + budget.perSecond * 63
            XCTAssertLessThanOrEqual(worst, Double(max(calls, 2)) + 1e-9, "\(calls) a minute")
            XCTAssertGreaterThanOrEqual(budget.burst, 1)
            XCTAssertGreaterThan(worst, Double(calls) * 0.9, "the limit is made use of")
        }
    }

    func testAPauseOfARateLimitIsBounded() {
        func check(_ remaining: Int?, _ reset: Int?, _ expected: Int?, line: UInt = #line) {
            let limit = RateLimit(
                limit: 960, remaining: remaining, reset: reset.map { .seconds($0) })
            XCTAssertEqual(limit.pause, expected.map { .seconds($0) }, line: line)
        }
        check(15, 31, 31)
        check(16, 31, nil)
        check(0, 0, 1)
        check(0, 1_795_725_000, 120)  // A moment, not a time that is left.
        check(0, nil, nil)
        check(nil, 31, nil)
    }

    func testACallerAcquiresForAllThatWait() {
        let callers = (0..<3).map { _ in enqueue(.ordinary, at: 0) }
        check(callers[1], at: 0, .acquire(3))
        check(callers[0], at: 0, .wait(atMost: .milliseconds(2000)))
        acquired(3, left: 40, at: 0.1)
        for caller in callers { check(caller, at: 0.1, .call) }
        XCTAssertEqual(scheduler.left, 40)
    }

    func testGrantsGrowWithUseAndShrinkWithout() {
        var left = 64
        func use(_ calls: Int, at now: Double) {
            for _ in 0..<calls { check(enqueue(.ordinary, at: now), at: now, .call) }
        }
        func acquire(at now: Double, _ expected: Int, line: UInt = #line) {
            let caller = enqueue(.ordinary, at: now)
            check(caller, at: now, .acquire(expected), line: line)
            acquired(expected, left: left, at: now)
            check(caller, at: now, .call, line: line)
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
        // No caller takes more than it needs while few are left.
        left = 15
        acquire(at: 30.1, 2)
        use(1, at: 30.1)
        acquire(at: 30.2, 1)
        left = 16
        acquire(at: 30.3, 1)
        acquire(at: 30.4, 2)
    }

    func testUnusedCallsExpire() {
        let first = enqueue(.ordinary, at: 0)
        check(first, at: 0, .acquire(1))
        acquired(5, left: 20, at: 0)
        check(first, at: 0.5, .call)
        check(enqueue(.ordinary, at: 0.9), at: 0.9, .call)
        check(enqueue(.ordinary, at: 1), at: 1, .acquire(2))
    }

    func testTheMoreUrgentCallFirst() {
        let note = enqueue(.low, at: 0)
        check(note, at: 0, .acquire(1))
        let other = enqueue(.ordinary, at: 0.1)
        let resolve = enqueue(.high, at: 0.2)
        let rest = enqueue(.begun, at: 0.3)
        acquired(2, left: 0, at: 0.4)
        check(note, at: 0.4, .acquire(4))
        acquireFailed(retryAfter: .milliseconds(500), at: 0.4)
        check(other, at: 0.4, .wait(atMost: .milliseconds(500)))
        check(resolve, at: 0.4, .call)
        check(rest, at: 0.4, .call)
        check(note, at: 0.9, .acquire(2))
        acquired(1, left: 0, at: 0.9)
        check(note, at: 0.9, .acquire(2))
        check(other, at: 0.9, .call)
    }

    func testAnExhaustedBudgetIsAskedAtIntervals() {
        let caller = enqueue(.ordinary, at: 0)
        check(caller, at: 0, .acquire(1))
        acquireFailed(retryAfter: .milliseconds(10), at: 0)
        check(caller, at: 0, .wait(atMost: .milliseconds(20)))
        check(caller, at: 0.02, .acquire(1))
        acquireFailed(retryAfter: .milliseconds(9000), at: 0.02)
        check(caller, at: 0.02, .wait(atMost: .milliseconds(1980)))
        guard case .giveUp(let refusal) = scheduler.step(of: caller, at: at(2)) else {
            return XCTFail("not refused")
        }
        XCTAssertEqual(refusal.reason, .budget)
    }

    func testTheLeastUrgentAreRefusedWhenTooManyWait() {
        let notes = (0..<16).map { _ in enqueue(.low, at: 0) }
        check(notes[0], at: 0, .acquire(16))
        let resolve = enqueue(.high, at: 0)
        check(resolve, at: 0, .wait(atMost: .milliseconds(2000)))
        check(notes[14], at: 0, .wait(atMost: .milliseconds(2000)))
        guard case .giveUp = scheduler.step(of: notes[15], at: at(0)) else {
            return XCTFail("too many wait")
        }
    }

    /// They come back as calls become free; the more urgent need not wait for the less urgent, and
    /// no caller stays away for longer than a minute.
    func testRefusedCallersComeBackOneAfterTheOther() {
        let rate = CallSchedulerLimits(callsPerMinuteMax: 1024).budget.perSecond
        func retryAfter(_ urgency: CallUrgency) -> Double {
            let caller = enqueue(urgency, at: 10)
            if case .giveUp(let refusal) = scheduler.step(of: caller, at: at(12)) {
                return refusal.retryAfter / .seconds(1)
            }
            XCTFail("not refused")
            return 0
        }
        for number in 1...5 {
            XCTAssertEqual(retryAfter(.low), Double(number) / rate, accuracy: 1e-9)
        }
        XCTAssertEqual(retryAfter(.high), 1 / rate, accuracy: 1e-9)
        XCTAssertEqual(retryAfter(.low), 7 / rate, accuracy: 1e-9)
        for _ in 0..<2000 { _ = retryAfter(.low) }
        XCTAssertEqual(retryAfter(.low), 60, accuracy: 1e-9)
        XCTAssertEqual(retryAfter(.high), 2 / rate, accuracy: 1e-9)
    }

    func testAClosedSchedulerRefusesAllCallersAtOnce() {
        let caller = enqueue(.begun, at: 0)
        check(caller, at: 0, .acquire(1))
        acquired(5, left: 20, at: 0)
        XCTAssertEqual(scheduler.close(.closed, until: at(30)), .wakeCallers)
        XCTAssertEqual(
            scheduler.close(.down, until: at(20)), .none, "it is closed for longer already")
        check(caller, at: 1, .giveUp(CallRefusal(reason: .closed, retryAfter: .seconds(29))))
        XCTAssertEqual(scheduler.close(.down, until: at(40)), .wakeCallers)
        check(
            enqueue(.high, at: 31), at: 31,
            .giveUp(CallRefusal(reason: .down, retryAfter: .seconds(9))))
        XCTAssertNil(scheduler.closed(at: at(40)))
        check(enqueue(.low, at: 40), at: 40, .acquire(2))
    }
}

final class VendorHealthTests: XCTestCase {
    func testOneOfManyFailedCallsChecksTheVendor() {
        let start = ContinuousClock.now
        var health = VendorHealth()
        XCTAssertEqual(health.callFailed(at: start), .check)
        XCTAssertEqual(health.callFailed(at: start), .isBeingChecked)
        health.checked(isUp: false, at: start)
        XCTAssertEqual(health.callFailed(at: start), .check)
        health.checked(isUp: true, at: start)
        XCTAssertEqual(health.callFailed(at: start + .milliseconds(999)), .isUp)
        XCTAssertEqual(health.callFailed(at: start + .seconds(1)), .check)
    }
}
