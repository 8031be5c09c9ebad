import Models
import Postgres
import Store
import TestSupport
import XCTest

final class BudgetTests: XCTestCase {
    /// So slow that no test is long enough to earn a call back.
    private let limits = BudgetLimits(perSecond: 0.001, burst: 10)

    private func wait(_ grant: BudgetGrant) -> Double {
        switch grant {
        case .granted: 0
        case .exhausted(let seconds): seconds
        }
    }

    func testABurstIsGrantedAndNoMore() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for (calls, expected) in [(4, 0.0), (4, 0), (4, 2000), (2, 0), (1, 1000)] {
            let grant = try await fixture.store.take(calls, from: "token", limits)
            XCTAssertEqual(wait(grant), expected, accuracy: 60, "\(calls) calls")
        }
        let other = try await fixture.store.take(10, from: "another", limits)
        XCTAssertEqual(other, .granted)
    }

    func testACloseHoldsForEverybody() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.store.close("token", forSeconds: 900)
        try await fixture.store.close("token", forSeconds: 10)
        let grant = try await fixture.store.take(1, from: "token", limits)
        XCTAssertEqual(wait(grant), 900, accuracy: 60)
    }

    func testABlockedConnectionIsNotLeasedAndDisturbsNoOther() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "a", of: "one")
        try await fixture.append(1, to: "a", of: "two")
        try await fixture.store.block("one", forSeconds: 600)
        let worker = try await fixture.worker()
        let lanes = try await fixture.lease(worker).lanes
        XCTAssertEqual(lanes.map(\.connection), ["two"])
        try await fixture.store.block("one", forSeconds: 0)
        let later = try await fixture.lease(worker).lanes
        XCTAssertEqual(later.map(\.connection), ["one"])
        XCTAssertEqual(later.map(\.attempt), [1])
    }

    func testManyTakersShareOneBudget() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<30 {
                group.addTask { [limits] in
                    try await fixture.store.take(1, from: "token", limits) == .granted
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        XCTAssertEqual(granted, 10)
    }
}
