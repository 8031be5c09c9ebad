import Models
import Postgres
import Store
import TestSupport
import XCTest

final class SettleTests: XCTestCase {
    private let cause = Cause(
        .salesforce, code: "UNABLE_TO_LOCK_ROW", message: "in use\0", status: 400)

    /// Leases the lane several times and settles it as each row says.
    private func check(
        _ settlements: [(first: Int, LaneSettlement.Next)], attempts expected: [Int],
        line: UInt = #line
    ) async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(9, to: "a")
        let worker = try await fixture.worker()
        var attempts: [Int] = []
        for (count, next) in settlements {
            let lane = try await fixture.leasedLane(worker)
            attempts.append(lane.attempt)
            _ = try await fixture.store.settle([lane.settled(first: count, next: next)])
            try await fixture.passDelays()
        }
        attempts.append(try await fixture.leasedLane(worker).attempt)
        XCTAssertEqual(attempts, expected, line: line)
    }

    func testAttemptsAreCountedForTheHead() async throws {
        let failed = LaneSettlement.Next.retry(after: .seconds(9), refundsAttempt: false)
        let throttled = LaneSettlement.Next.retry(after: .seconds(9), refundsAttempt: true)
        try await check([(0, failed), (0, failed), (0, failed)], attempts: [1, 2, 3, 4])
        try await check([(0, throttled), (0, throttled)], attempts: [1, 1, 1])
        try await check([(0, failed), (0, throttled), (0, failed)], attempts: [1, 2, 2, 3])
        try await check([(0, .proceed), (0, .proceed)], attempts: [1, 1, 1])
        try await check([(0, failed), (1, .proceed)], attempts: [1, 2, 1])
        try await check([(0, failed), (2, failed)], attempts: [1, 2, 2])
        try await check([(0, failed), (2, throttled)], attempts: [1, 2, 1])
    }

    func testARetryWaitsByTheClockOfTheDatabase() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(2, to: "a")
        let worker = try await fixture.worker()
        let lane = try await fixture.leasedLane(worker)
        let retry = lane.settled(
            first: 0, next: .retry(after: .seconds(600), refundsAttempt: false))
        let next = try await fixture.lease(worker, settling: [retry])
        XCTAssertEqual(next, Lease(lanes: [], lost: []))
        let wait = try await fixture.number(
            "SELECT round(extract(epoch FROM ready_at - now()))::bigint FROM lane")
        XCTAssertTrue((540...600).contains(wait), "\(wait)")
        try await fixture.passDelays()
        let later = try await fixture.leasedLane(worker)
        XCTAssertEqual(later.jobs, lane.jobs)
    }

    func testThePostponementIsKnownUntilTheEventIsSettled() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.append([.sample("e1", lane: "a"), .sample("e2", lane: "a")])
        let worker = try await fixture.worker()
        let throttled = Cause(.pagerDuty, code: "rate", message: "later", status: 429)
        func postponements() async throws -> [Postponement?] {
            var all: [Postponement?] = []
            for id in ["e1", "e2"] as [EventID] {
                all.append(try await fixture.store.event(id, of: "one")?.postponement)
            }
            return all
        }
        /// Each row: the number of settled jobs, the lane's next state, and what is known of e2
        /// then.
        for (count, next, expected, attempts) in [
            (1, .retry(after: .seconds(600), refundsAttempt: false, because: cause), cause, 1),
            (0, .retry(after: .seconds(600), refundsAttempt: false), cause, 1),
            (
                0, .retry(after: .seconds(600), refundsAttempt: true, because: throttled),
                throttled, 2
            ),
            (1, .proceed, nil, nil),
        ] as [(Int, LaneSettlement.Next, Cause?, Int?)] {
            let lane = try await fixture.leasedLane(worker)
            _ = try await fixture.store.settle([lane.settled(first: count, next: next)])
            // The second settlement has lost its lease: nothing of it is written.
            let late = LaneSettlement.Next.retry(
                after: .seconds(1), refundsAttempt: true, because: cause)
            _ = try await fixture.store.settle([lane.settled(first: count, next: late)])
            let known = try await postponements()
            XCTAssertNil(known[0])
            XCTAssertEqual(known[1]?.cause, expected)
            XCTAssertEqual(known[1]?.attempts, attempts)
            try await fixture.passDelays()
        }
    }

    func testAPostponementTellsWhenTheNextAttemptIsDue() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.append([.sample("e1", lane: "a")])
        let lane = try await fixture.leasedLane(fixture.worker())
        let next = LaneSettlement.Next.retry(
            after: .seconds(600), refundsAttempt: false, because: cause)
        _ = try await fixture.store.settle([lane.settled(first: 0, next: next)])
        let known = try await fixture.store.event("e1", of: "one")?.postponement
        let postponement = try XCTUnwrap(known)
        XCTAssertEqual(
            postponement.dueAt.milliseconds - postponement.postponedAt.milliseconds, 600_000,
            accuracy: 1)
    }

    func testAnEventThatFailedDoesNotStopItsLane() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(2, to: "a")
        let worker = try await fixture.worker()
        let lane = try await fixture.leasedLane(worker, jobs: 1)
        let next = try await fixture.lease(worker, settling: [lane.settled(.failed(cause))])
        XCTAssertEqual(next.lanes.first?.jobs.map(\.sequence), [2])
    }

    func testAStaleEpochWritesNothing() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.append([.sample("e1", lane: "a"), .sample("e2", lane: "b")])
        let slow = try await fixture.worker("slow")
        let lanes = try await fixture.lease(slow).lanes.sorted { $0.key < $1.key }
        // Lane a is leased by another worker, lane b is not.
        _ = try await fixture.pool.query(
            "UPDATE lane SET state = 1, epoch = epoch + 1, owner = NULL WHERE key = 'a'")
        let quick = try await fixture.worker("quick")
        let taken = try await fixture.leasedLane(quick)
        let lost = try await fixture.store.settle(lanes.map { $0.settled() })
        XCTAssertEqual(lost, [lanes[0].fence])
        let ledger = try await fixture.pool.query(
            "SELECT key FROM settlement JOIN lane USING (lane_id)"
        ).decoded(String.self)
        XCTAssertEqual(ledger, ["b"])
        let kept = try await fixture.store.settle([taken.settled()])
        XCTAssertEqual(kept, [])
        // The lease has ended: the second settlement is lost, and the ledger has one row.
        let again = try await fixture.store.settle([taken.settled()])
        XCTAssertEqual(again, [taken.fence])
        let rows = try await fixture.number("SELECT count(*) FROM settlement")
        XCTAssertEqual(rows, 2)
    }

    func testTheLedgerRefusesASecondRow() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "a")
        let worker = try await fixture.worker()
        let lane = try await fixture.leasedLane(worker)
        _ = try await fixture.store.settle([lane.settled()])
        // A mistake may move the cursor back.
        _ = try await fixture.pool.query("UPDATE lane SET done = 0, state = 1")
        let again = try await fixture.leasedLane(worker)
        let key = "settlement_\(lane.jobs[0].segment)_pkey"
        await assertThrows(
            .corrupt("the constraint \(key) forbids the write (SQLSTATE 23505)")
        ) { () async throws(StoreError) in
            try await fixture.store.settle([again.settled()])
        }
    }

    func testASettlementOfADayWithoutAPartitionNamesTheTable() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "a")
        let lane = try await fixture.leasedLane(try await fixture.worker())
        _ = try await fixture.pool.query(
            "DROP TABLE settlement_\(unescaped: lane.jobs[0].segment.description)")
        await assertThrows(.missingPartition(table: "settlement")) {
            () async throws(StoreError) in
            try await fixture.store.settle([lane.settled()])
        }
    }

    func testASettlementWithAHoleIsRefused() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(3, to: "a")
        let worker = try await fixture.worker()
        let lane = try await fixture.leasedLane(worker)
        var holed = lane.settled()
        holed.settlements.remove(at: 1)
        await assertThrows(.bug("settlements of lane \(lane.id) have a hole")) {
            () async throws(StoreError) in try await fixture.store.settle([holed])
        }
        var headless = lane.settled()
        headless.settlements.removeFirst()
        let lost = try await fixture.store.settle([headless])
        XCTAssertEqual(lost, [lane.fence])
    }

    func testSettlersInAnyOrderDoNotDeadlockWithAppenders() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let keys = (1...30).map { LaneKey("\($0)") }
        for key in keys { try await fixture.append(1, to: key) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<4 as Range<UInt64> {
                group.addTask { try await fixture.appendShuffled(keys, seed: number) }
                group.addTask { try await fixture.settleShuffled(seed: 100 + number) }
            }
            try await group.waitForAll()
        }
        let deadlocks = try await fixture.deadlocks()
        XCTAssertEqual(deadlocks, 0)
        let unbalanced = try await fixture.number(
            """
            SELECT count(*) FROM lane
            WHERE done <> (SELECT count(*) FROM settlement AS s WHERE s.lane_id = lane.lane_id)
                OR tail <> 101 OR state = 2
            """)
        XCTAssertEqual(unbalanced, 0)
    }
}

extension StoreFixture {
    /// Appends 25 batches with an event of each lane, in a random order.
    fileprivate func appendShuffled(_ lanes: [LaneKey], seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        for round in 0..<25 {
            let batch = lanes.shuffled(using: &random).map {
                NewEvent.sample("\(seed) \(round) \($0)", lane: $0)
            }
            _ = try await append(batch)
        }
    }

    /// Leases up to 20 lanes 40 times, and settles them in a random order.
    fileprivate func settleShuffled(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let worker = try await worker()
        var lease = try await lease(worker, lanes: 20, jobs: 2)
        for _ in 0..<40 {
            let settlements = lease.lanes.shuffled(using: &random).map { $0.settled() }
            lease = try await self.lease(worker, lanes: 20, jobs: 2, settling: settlements)
        }
        _ = try await store.settle(lease.lanes.map { $0.settled(first: 0) })
    }
}
