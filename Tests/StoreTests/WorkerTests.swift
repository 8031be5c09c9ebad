import Models
import Postgres
import Store
import TestSupport
import XCTest

final class WorkerTests: XCTestCase {
    func testAnExpiredWorkerLosesItsLanesAndTheAttemptCounts() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(3, to: "a")
        let dead = try await fixture.worker("dead")
        let held = try await fixture.leasedLane(dead)
        let nothing = try await fixture.store.rescue()
        XCTAssertEqual(nothing, 0)
        try await fixture.expire(dead)
        let rescued = try await fixture.store.rescue()
        XCTAssertEqual(rescued, 1)
        let heir = try await fixture.worker("heir")
        let lane = try await fixture.leasedLane(heir)
        XCTAssertEqual(lane.attempt, 2)
        XCTAssertEqual(lane.jobs, held.jobs)
        XCTAssertGreaterThan(lane.epoch, held.epoch)
        let lost = try await fixture.store.settle([held.settled()])
        XCTAssertEqual(lost, [held.fence])
    }

    func testAnExpiredWorkerCanNeitherRenewNorLease() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "a")
        let worker = try await fixture.worker()
        try await fixture.store.renew(worker, ttl: .seconds(60))
        try await fixture.expire(worker)
        await assertThrows(.lostLease) { () async throws(StoreError) in
            try await fixture.store.renew(worker, ttl: .seconds(60))
        }
        let limits = LeaseLimits(lanesMax: 1, jobsPerLaneMax: 1)
        await assertThrows(.lostLease) { () async throws(StoreError) in
            try await fixture.store.lease(for: worker, limits: limits)
        }
        _ = try await fixture.store.rescue()
        await assertThrows(.lostLease) { () async throws(StoreError) in
            try await fixture.store.lease(for: worker, limits: limits)
        }
        let untouched = try await fixture.number(
            "SELECT count(*) FROM lane WHERE state = 1 AND epoch = 0")
        XCTAssertEqual(untouched, 1)
    }

    func testLanesOfALostAnswerAreGivenBackAndNoOthers() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for lane in ["a", "b", "c"] { try await fixture.append(1, to: LaneKey(lane)) }
        let worker = try await fixture.worker()
        let other = try await fixture.worker("other")
        let known = try await fixture.lease(worker, lanes: 1).lanes
        _ = try await fixture.lease(worker, lanes: 1)
        let others = try await fixture.lease(other, lanes: 1).lanes
        let back = try await fixture.store.reclaim(
            for: worker, keeping: known.map(\.fence), generation: 1)
        XCTAssertEqual(back, 1)
        let again = try await fixture.lease(other).lanes
        XCTAssertEqual(again.map(\.attempt), [1], "its attempt was refunded")
        let lost = try await fixture.store.settle((known + others).map { $0.settled() })
        XCTAssertEqual(lost, [])
        // A lane that was leased again has another epoch than the worker knows.
        let stale = Fence(lane: again[0].id, epoch: again[0].epoch - 1)
        let mine = try await fixture.store.reclaim(for: other, keeping: [stale], generation: 1)
        XCTAssertEqual(mine, 1)
    }

    /// A lease that its worker no longer waits for may still be on its way.
    func testALeaseThatArrivesAfterAReclaimGetsNothing() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "a")
        let worker = try await fixture.worker()
        let limits = LeaseLimits(lanesMax: 1, jobsPerLaneMax: 1)
        _ = try await fixture.store.reclaim(for: worker, keeping: [], generation: 1)
        await assertThrows(.lostLease) { () async throws(StoreError) in
            try await fixture.store.lease(for: worker, generation: 0, limits: limits)
        }
        let untouched = try await fixture.number(
            "SELECT count(*) FROM lane WHERE state = 1 AND epoch = 0")
        XCTAssertEqual(untouched, 1)
        let lease = try await fixture.store.lease(for: worker, generation: 1, limits: limits)
        XCTAssertEqual(lease.lanes.count, 1)
        let back = try await fixture.store.reclaim(for: worker, keeping: [], generation: 1)
        XCTAssertEqual(back, 0, "a late reclaim knows nothing of what was leased since")
        let lost = try await fixture.store.settle(lease.lanes.map { $0.settled() })
        XCTAssertEqual(lost, [])
    }

    func testAWorkerThatRetiresGivesItsAttemptsBack() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "a")
        let leaving = try await fixture.worker("leaving")
        let held = try await fixture.leasedLane(leaving)
        try await fixture.store.retire(leaving)
        let heir = try await fixture.worker("heir")
        let lane = try await fixture.leasedLane(heir)
        XCTAssertEqual(lane.attempt, 1)
        let lost = try await fixture.store.settle([held.settled()])
        XCTAssertEqual(lost, [held.fence])
    }

    func testAReleaseGivesTheAttemptBack() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "a")
        let worker = try await fixture.worker()
        for _ in 0..<3 {
            let lane = try await fixture.leasedLane(worker)
            XCTAssertEqual(lane.attempt, 1)
            let lost = try await fixture.store.settle([lane.settled(first: 0)])
            XCTAssertEqual(lost, [])
        }
    }

    /// A worker leases all lanes that are due, and each takes two seconds. One of them ends its
    /// worker each time, until its attempts are used up.
    func testAJobThatEndsItsWorkerFailsNoOtherLane() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for lane in 1...20 { try await fixture.append(1, to: LaneKey("\(lane)")) }
        try await fixture.append(1, to: "poison")
        var worker = try await fixture.worker()
        var working: [(lane: LeasedLane, until: Int)] = []
        var attempts: [LaneKey: Int] = [:]
        for halfSecond in 1...2000 where attempts.count < 21 {
            try await fixture.pass(seconds: 0.5)
            let over = working.filter { $0.until <= halfSecond }.map(\.lane)
            working.removeAll { $0.until <= halfSecond }
            for lane in over { attempts[lane.key] = lane.attempt }
            let lease = try await fixture.lease(worker, settling: over.map { $0.settled() })
            working += lease.lanes.map { ($0, halfSecond + 4) }
            guard let place = working.firstIndex(where: { $0.lane.key == "poison" }) else {
                continue
            }
            if working[place].lane.attempt < 8 {
                try await fixture.expire(worker)
                _ = try await fixture.store.rescue()
                worker = try await fixture.worker()
                working = []
            } else {
                working[place].until = 0
            }
        }
        XCTAssertEqual(attempts.removeValue(forKey: "poison"), 8)
        XCTAssertEqual(attempts.count, 20)
        XCTAssertLessThan(attempts.values.max() ?? 8, 8)
    }

    /// Workers lease and settle while others declare them dead at random moments.
    func testEveryEventEndsOnceHoweverOftenWorkersDie() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for lane in 1...20 { try await fixture.append(10, to: LaneKey("\(lane)")) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<5 {
                group.addTask {
                    var random = SplitMix64(seed: UInt64(number))
                    while try await fixture.number("SELECT count(*) FROM settlement") < 200 {
                        let worker = try await fixture.worker()
                        let lease = try await fixture.lease(worker, lanes: 4, jobs: 3)
                        if Int.random(in: 0..<3, using: &random) == 0 {
                            try await fixture.expire(worker)
                            _ = try await fixture.store.rescue()
                            try await fixture.passDelays()
                        }
                        _ = try await fixture.store.settle(
                            lease.lanes.shuffled(using: &random).map { $0.settled() })
                        try await fixture.store.retire(worker)
                    }
                }
            }
            try await group.waitForAll()
        }
        let unfinished = try await fixture.number(
            "SELECT count(*) FROM lane WHERE tail <> done OR state <> 0 OR tail <> 10")
        XCTAssertEqual(unfinished, 0)
        let ledger = try await fixture.number("SELECT count(*) FROM settlement")
        XCTAssertEqual(ledger, 200)
    }
}
