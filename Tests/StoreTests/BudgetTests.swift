import Models
import Postgres
import Store
import XCTest

final class BudgetTests: XCTestCase {
    /// A rate so slow that no test lasts until a call is refilled.
    private let limits = BudgetLimits(perSecond: 0.001, burst: 10)

    private func wait(_ grant: BudgetGrant, line: UInt = #line) -> Double {
        if case .exhausted(let pause) = grant { return pause / .seconds(1) }
        XCTFail("\(grant)", line: line)
        return 0
    }

    func testTheBurstIsGrantedAndNoMore() async throws {
        let fixture = try await StoreFixture.make(for: self)
        func check(
            _ wanted: Int, from scope: String = "token", _ expected: BudgetGrant,
            line: UInt = #line
        ) async throws {
            let grant = try await fixture.store.take(atMost: wanted, from: scope, limits)
            XCTAssertEqual(grant, expected, line: line)
        }
        try await check(4, .granted(4, left: 6))
        try await check(4, .granted(4, left: 2))
        try await check(4, .granted(2, left: 0))
        let none = try await fixture.store.take(atMost: 1, from: "token", limits)
        XCTAssertEqual(wait(none), 1000, accuracy: 60)
        try await check(99, from: "another", .granted(10, left: 0))
    }

    func testNoMinuteHasMoreThanBurstAndFlow() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let limits = BudgetLimits(perSecond: 14, burst: 60)
        var taken = 0
        func takeAll() async throws {
            while case .granted(let calls, _) = try await fixture.store.take(
                atMost: 7, from: "token", limits)
            {
                taken += calls
            }
        }
        let began = ContinuousClock.now
        try await takeAll()
        for _ in 1...60 {
            try await fixture.passSeconds(1)
            try await takeAll()
        }
        let passed = 60 + (ContinuousClock.now - began) / .seconds(1)
        XCTAssertGreaterThanOrEqual(taken, 60 + 14 * 60)
        XCTAssertLessThanOrEqual(Double(taken), 60 + 14 * passed)
    }

    func testUnusedCallsAreSavedUpToTheBurst() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.store.take(atMost: 10, from: "token", limits)
        try await fixture.passSeconds(86_400)
        let grant = try await fixture.store.take(atMost: 99, from: "token", limits)
        XCTAssertEqual(grant, .granted(10, left: 0))
    }

    func testABudgetRecoversAfterTheClockWasSetBack() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let limits = BudgetLimits(perSecond: 0.1, burst: 10)
        _ = try await fixture.store.take(atMost: 10, from: "token", limits)
        try await fixture.passSeconds(-3600)
        let grant = try await fixture.store.take(atMost: 1, from: "token", limits)
        XCTAssertLessThanOrEqual(wait(grant), 10.01)
        try await fixture.passSeconds(20)
        let later = try await fixture.store.take(atMost: 2, from: "token", limits)
        XCTAssertEqual(later, .granted(2, left: 0))
    }

    func testAPauseHoldsForAllWorkersAndTakesNothing() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.store.pause("token", for: .seconds(900))
        try await fixture.store.pause("token", for: .seconds(10))
        let grant = try await fixture.store.take(atMost: 1, from: "token", limits)
        guard case .paused(let pause) = grant else { return XCTFail("\(grant)") }
        XCTAssertEqual(pause / .seconds(1), 900, accuracy: 60)
        let other = try await fixture.store.take(atMost: 1, from: "another", limits)
        XCTAssertEqual(other, .granted(1, left: 9))
        try await fixture.passSeconds(901)
        let later = try await fixture.store.take(atMost: 99, from: "token", limits)
        XCTAssertEqual(later, .granted(10, left: 0))
    }

    func testABlockedConnectionIsNotLeasedAndDisturbsNoOther() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "a", of: "one")
        try await fixture.append(1, to: "a", of: "two")
        try await fixture.store.block("one", for: .seconds(600))
        let worker = try await fixture.worker()
        let lanes = try await fixture.lease(worker).lanes
        XCTAssertEqual(lanes.map(\.connection), ["two"])
        try await fixture.store.block("one", for: .seconds(0))
        let blocked = try await fixture.lease(worker).lanes
        XCTAssertEqual(blocked, [], "a block shortens no other")
        _ = try await fixture.pool.query("UPDATE connection SET blocked_until = now()")
        let later = try await fixture.lease(worker).lanes
        XCTAssertEqual(later.map(\.connection), ["one"])
        XCTAssertEqual(later.map(\.attempt), [1])
    }

    func testManyTakersShareOneBudget() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let granted = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<30 {
                group.addTask { [limits] in
                    let grant = try await fixture.store.take(atMost: 3, from: "token", limits)
                    if case .granted(let calls, _) = grant { return calls }
                    return 0
                }
            }
            return try await group.reduce(0, +)
        }
        XCTAssertEqual(granted, 10)
    }
}

final class SharedBreakerTests: XCTestCase {
    private let limits = BudgetLimits(perSecond: 0.001, burst: 10)

    func testATripIsCountedOnceAndStopsAllWorkers() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = fixture.store
        _ = try await store.take(atMost: 1, from: "token", limits)
        let first = try await store.trip("token", after: 0, for: .seconds(30))
        XCTAssertTrue(first)
        let second = try await store.trip("token", after: 0, for: .seconds(600))
        XCTAssertFalse(second, "two workers found the same outage")
        let grant = try await store.take(atMost: 1, from: "token", limits)
        guard case .tripped(trips: 1, let pause) = grant else { return XCTFail("\(grant)") }
        XCTAssertEqual(pause / .seconds(1), 30, accuracy: 20)
    }

    func testOneWorkerChecksAfterThePause() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = fixture.store
        func claim() async throws -> Bool {
            try await store.claimCheck(of: "token", after: 1, within: .seconds(600))
        }
        _ = try await store.take(atMost: 1, from: "token", limits)
        try await store.trip("token", after: 0, for: .seconds(30))
        let early = try await claim()
        XCTAssertFalse(early)
        try await fixture.passSeconds(31)
        let due = try await store.take(atMost: 1, from: "token", limits)
        XCTAssertEqual(due, .tripped(trips: 1, retryAfter: .zero))
        let claims = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { try await claim() } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        XCTAssertEqual(claims, 1)
        try await fixture.passSeconds(601)
        let again = try await claim()
        XCTAssertTrue(again, "the worker that claimed the check has ended")
    }

    func testABreakerIsClosedOrTripsAgain() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = fixture.store
        _ = try await store.take(atMost: 1, from: "token", limits)
        try await store.trip("token", after: 0, for: .seconds(0))
        try await store.trip("token", after: 1, for: .seconds(0))
        let tripped = try await store.take(atMost: 1, from: "token", limits)
        XCTAssertEqual(tripped, .tripped(trips: 2, retryAfter: .zero))
        let late = try await store.closeBreaker(of: "token", after: 1)
        XCTAssertFalse(late, "what was found out is no longer so")
        try await store.closeBreaker(of: "token", after: 2)
        let recovered = try await store.take(atMost: 1, from: "token", limits)
        XCTAssertEqual(recovered, .granted(1, left: 8))
    }
}

extension StoreFixture {
    /// Lets time pass for every budget.
    fileprivate func passSeconds(_ seconds: Double) async throws {
        _ = try await pool.query(
            """
            UPDATE budget SET next_at = next_at - \(seconds) * interval '1 second',
                closed_until = closed_until - \(seconds) * interval '1 second',
                open_until = open_until - \(seconds) * interval '1 second'
            """)
    }
}
