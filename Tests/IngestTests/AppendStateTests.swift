import Runtime
import XCTest

@testable import Ingest

final class AppendStateTests: XCTestCase {
    private typealias AppendAction = AppendState<String>.AppendAction
    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        start.advanced(by: .milliseconds(milliseconds))
    }

    func testADeliveryWakesOneWriterAndWhatFollowsJoinsIt() {
        var state = AppendState<String>(limits: AppendLimits())
        check(state.add("a", size: .one, at: at(0)), .wakeWriter)
        check(state.add("b", size: .one, at: at(0)), .none)
        XCTAssertEqual(commit(state.nextBatch(after: nil, at: at(1))), ["a", "b"])
        check(state.add("c", size: .one, at: at(1)), .checkAgain(after: .milliseconds(20)))
        check(state.check(at: at(21)), .wakeWriter)
    }

    func testLimitsOfWhatWaitsRefuseTheNextDelivery() {
        var limits = AppendLimits()
        (limits.waitingEventsMax, limits.waitMax) = (10, .milliseconds(100))
        let rows: [(count: Int, after: Int, expected: AppendAction)] = [
            (3, 0, .none), (4, 0, .refuse(["next"], .overloaded)),
            (1, 100, .none), (1, 101, .refuse(["next"], .overloaded)),
        ]
        for row in rows {
            var state = AppendState<String>(limits: limits)
            _ = state.add("first", size: BatchSize(count: 7), at: at(0))
            check(
                state.add("next", size: BatchSize(count: row.count), at: at(row.after)),
                row.expected)
        }
    }

    func testADatabaseThatIsAwayRefusesAllUntilOneDeliveryHasTriedIt() {
        var limits = AppendLimits()
        limits.retryPause = .milliseconds(500)
        var state = AppendState<String>(limits: limits)
        _ = state.add("a", size: .one, at: at(0))
        _ = state.nextBatch(after: nil, at: at(0))
        _ = state.add("b", size: .one, at: at(1))
        check(state.commitFailed(since: at(0), at: at(10)), .refuse(["b"], .unavailable))
        _ = state.nextBatch(after: .one, at: at(10))
        check(state.add("c", size: .one, at: at(509)), .refuse(["c"], .unavailable))
        check(state.add("trial", size: .one, at: at(510)), .wakeWriter)
        check(state.add("d", size: .one, at: at(511)), .refuse(["d"], .unavailable))
        _ = state.nextBatch(after: nil, at: at(511))
        state.commitSucceeded(at: at(520))
        _ = state.nextBatch(after: .one, at: at(520))
        check(state.add("e", size: .one, at: at(521)), .wakeWriter)
    }

    func testOneFailureBesideASuccessIsNotTheDatabaseAway() {
        var state = AppendState<String>(limits: AppendLimits())
        for name in ["hanging", "beside"] {
            _ = state.add(name, size: .one, at: at(0))
            _ = state.nextBatch(after: nil, at: at(0))
        }
        check(state.commitFailed(since: at(0), at: at(5)), .none)
        state.commitSucceeded(at: at(6))
        check(state.commitFailed(since: at(0), at: at(7)), .none)
    }

    func testACloseWakesAllWritersAndRefusesWhatComesLater() {
        for refusesWaiting in [true, false] {
            var state = AppendState<String>(limits: AppendLimits())
            _ = state.add("waiting", size: .one, at: at(0))
            check(
                state.close(refusingWaiting: refusesWaiting, at: at(1)),
                .wakeAllWriters(refusing: refusesWaiting ? ["waiting"] : []))
            check(state.add("late", size: .one, at: at(2)), .refuse(["late"], .unavailable))
            if !refusesWaiting {
                XCTAssertEqual(commit(state.nextBatch(after: nil, at: at(2))), ["waiting"])
            }
            guard case .ended = state.nextBatch(after: refusesWaiting ? nil : .one, at: at(3))
            else { return XCTFail("The writer does not end.") }
        }
    }

    private func commit(_ assignment: AppendState<String>.WriterAssignment) -> [String]? {
        if case .commit(let batch, _, _) = assignment { batch } else { nil }
    }

    private func check(_ action: AppendAction, _ expected: AppendAction, line: UInt = #line) {
        XCTAssertEqual("\(action)", "\(expected)", line: line)
    }
}
