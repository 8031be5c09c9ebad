import JSON
import Models
import Postgres
import TestSupport
import XCTest

@testable import Store

final class LeaseTests: XCTestCase {
    func testALeasedLaneHoldsItsJobsInOrder() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let payload = #"{"a": 1.0, "ü": "\u0000"}"#
        _ = try await fixture.append([
            .sample("e1", lane: "a", payload: payload), .sample("e2", lane: "a"),
            .sample("e3", lane: "b", connection: "two"),
        ])
        let worker = try await fixture.worker()
        let lanes = try await fixture.lease(worker).lanes.sorted { $0.key < $1.key }
        XCTAssertEqual(lanes.map(\.key), ["a", "b"])
        XCTAssertEqual(lanes.map(\.connection), ["one", "two"])
        XCTAssertEqual(lanes.map(\.attempt), [1, 1])
        XCTAssertEqual(lanes[0].jobs.map(\.sequence), [1, 2])
        XCTAssertEqual(
            lanes[0].jobs[0].event, NewEvent.sample("e1", lane: "a", payload: payload).event)
        let again = try await fixture.lease(worker).lanes
        XCTAssertEqual(again, [])
    }

    func testLimitsAreKept() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for lane in 1...5 { try await fixture.append(10, to: LaneKey("\(lane)")) }
        let worker = try await fixture.worker()
        let lanes = try await fixture.lease(worker, lanes: 3, jobs: 4).lanes
        XCTAssertEqual(
            lanes.map { $0.jobs.map(\.sequence) }, Array(repeating: [1, 2, 3, 4], count: 3))
    }

    func testPayloadsAreBoundedButTheHeadIsAlwaysTaken() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let payload = String(repeating: "x", count: 6000)
        _ = try await fixture.append((1...5).map { .sample("e\($0)", payload: payload) })
        let worker = try await fixture.worker()
        for (bytes, expected) in [(1, 1), (12_000, 2), (17_999, 2), (18_000, 3)] {
            let limits = LeaseLimits(lanesMax: 1, jobsPerLaneMax: 9, bytesPerLaneMax: bytes)
            let lease = try await fixture.store.lease(for: worker, limits: limits)
            XCTAssertEqual(lease.lanes.first?.jobs.count, expected, "\(bytes) bytes")
            _ = try await fixture.store.settle(lease.lanes.map { $0.settled(first: 0) })
        }
    }

    func testWhatIsSettledIsNotLeasedAgain() async throws {
        try await drainOneLane(StoreFixture.make(for: self))
    }

    /// Some transaction poolers know no prepared statements.
    func testNeedsNoPreparedStatements() async throws {
        try await drainOneLane(StoreFixture.make(for: self, mode: .unnamed))
    }

    private func drainOneLane(_ fixture: StoreFixture) async throws {
        try await fixture.append(5, to: "a")
        let worker = try await fixture.worker()
        var lease = try await fixture.lease(worker, jobs: 2)
        var seen: [Int64] = []
        while let lane = lease.lanes.first {
            seen += lane.jobs.map(\.sequence)
            lease = try await fixture.lease(worker, jobs: 2, settling: [lane.settled()])
            XCTAssertEqual(lease.lost, [])
        }
        XCTAssertEqual(seen, [1, 2, 3, 4, 5])
        let idle = try await fixture.number("SELECT count(*) FROM lane WHERE state = 0")
        XCTAssertEqual(idle, 1)
    }

    func testJobsThatArriveWhileALaneIsLeasedFollow() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.append([.sample("e1", lane: "a")])
        let worker = try await fixture.worker()
        let lane = try await fixture.leasedLane(worker)
        _ = try await fixture.append([.sample("e2", lane: "a")])
        let next = try await fixture.lease(worker, settling: [lane.settled()]).lanes
        XCTAssertEqual(next.map { $0.jobs.map(\.event.id) }, [["e2"]])
    }

    func testALaneWithoutAVisibleJobGoesBack() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.append([.sample("e1", lane: "a"), .sample("e2", lane: "b")])
        _ = try await fixture.pool.query("DELETE FROM job WHERE event_id = 'e1'")
        let worker = try await fixture.worker()
        let lanes = try await fixture.lease(worker).lanes
        XCTAssertEqual(lanes.map(\.key), ["b"])
        let back = try await fixture.number(
            "SELECT count(*) FROM lane WHERE key = 'a' AND state = 1 AND attempt = 0")
        XCTAssertEqual(back, 1)
    }

    func testAJobOfANewerProgramWaits() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(3, to: "a")
        _ = try await fixture.pool.query("UPDATE job SET format = 'tomorrow' WHERE sequence = 2")
        let worker = try await fixture.worker()
        let lane = try await fixture.leasedLane(worker)
        XCTAssertEqual(lane.jobs.map(\.sequence), [1])
        let next = try await fixture.lease(worker, settling: [lane.settled()]).lanes
        XCTAssertEqual(next, [])
    }

    /// One connection has many lanes due; the single lanes of the others are leased all the same.
    func testConnectionsTakeTurns() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.pool.query(
            "INSERT INTO connection (id) SELECT 'quiet-' || n FROM generate_series(1, 20) AS n")
        _ = try await fixture.append(
            (1...600).map { .sample("flood \($0)", lane: LaneKey("flood \($0)")) })
        for quiet in 1...20 {
            let connection = ConnectionID("quiet-\(quiet)")
            _ = try await fixture.append([
                .sample("\(quiet)", lane: "quiet", connection: connection)
            ])
        }
        let worker = try await fixture.worker()
        var quiet: Set<ConnectionID> = []
        for _ in 0..<30 {
            let lanes = try await fixture.lease(worker, lanes: 10).lanes
            quiet.formUnion(lanes.map(\.connection).filter { $0 != "one" })
        }
        XCTAssertEqual(quiet.count, 20)
        let flood = try await fixture.number(
            "SELECT count(*) FROM lane WHERE state = 2 AND key LIKE 'flood%'")
        XCTAssertGreaterThan(flood, 100)
    }

    func testNoMoreLanesOfAConnectionAreLeasedThanThereIsRoom() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for number in 1...10 {
            try await fixture.append(1, to: LaneKey("\(number)"))
            try await fixture.append(1, to: LaneKey("\(number)"), of: "two")
        }
        let worker = try await fixture.worker()
        for (ofConnections, ofOthers, expected) in [
            (["one": 0], 5, ["two": 5]), (["one": 2], 4, ["one": 2, "two": 4]),
            (["one": -4, "two": 0], 8, [:]), ([:], 5, ["one": 5, "two": 1]),
        ] as [([ConnectionID: Int], Int, [ConnectionID: Int])] {
            let room = LeaseRoom(ofConnections: ofConnections, ofOthers: ofOthers)
            let limits = LeaseLimits(lanesMax: 10, room: room, jobsPerLaneMax: 1)
            let lanes = try await fixture.store.lease(for: worker, limits: limits).lanes
            let counts = Dictionary(grouping: lanes, by: \.connection).mapValues(\.count)
            XCTAssertEqual(counts, expected)
        }
    }

    func testNoLaneOfAConnectionThatIsSwitchedOffIsLeased() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "a")
        try await fixture.append(1, to: "b", of: "two")
        _ = try await fixture.pool.query("UPDATE connection SET is_active = id <> 'one'")
        let worker = try await fixture.worker()
        let lanes = try await fixture.lease(worker).lanes
        XCTAssertEqual(lanes.map(\.connection), ["two"])
        let depth = try await fixture.store.depth()
        XCTAssertEqual(depth.map(\.events), [1, 1])
        XCTAssertEqual(depth.map(\.readyLanes), [0, 0], "lanes that no worker leases are not ready")
        _ = try await fixture.pool.query("UPDATE connection SET is_active = true")
        let later = try await fixture.lease(worker).lanes
        XCTAssertEqual(later.map(\.connection), ["one"])
    }

    func testAConnectionWhoseLanesAllWaitTakesNoTurn() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for number in 1...6 { try await fixture.append(1, to: LaneKey("\(number)")) }
        try await fixture.append(1, to: "later", of: "two")
        _ = try await fixture.pool.query(
            "UPDATE lane SET ready_at = now() + interval '1 hour' WHERE key = 'later'")
        let worker = try await fixture.worker()
        let lanes = try await fixture.lease(worker, lanes: 6).lanes
        XCTAssertEqual(lanes.count, 6)
    }

    /// Eight workers share sixty lanes. No two of them hold the same lane, and every lane's jobs
    /// are seen once and in order.
    func testConcurrentWorkersKeepTheOrderOfEveryLane() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for lane in 1...60 { try await fixture.append(20, to: LaneKey("\(lane)")) }
        let seen = try await withThrowingTaskGroup(of: Void.self) { group in
            let seen = Seen()
            for number in 0..<8 {
                group.addTask {
                    var random = SplitMix64(seed: UInt64(number))
                    let worker = try await fixture.worker("\(number)")
                    var lease = try await fixture.lease(worker, lanes: 5, jobs: 3)
                    while await seen.count < 1200 {
                        for lane in lease.lanes { await seen.note(lane) }
                        let settlements = lease.lanes.shuffled(using: &random).map { $0.settled() }
                        lease = try await fixture.lease(
                            worker, lanes: 5, jobs: 3, settling: settlements)
                        XCTAssertEqual(lease.lost, [])
                    }
                }
            }
            try await group.waitForAll()
            return seen
        }
        let sequences = await seen.sequences
        XCTAssertEqual(sequences.count, 60)
        for lane in sequences.values { XCTAssertEqual(lane, Array(1...20)) }
        let ledger = try await fixture.number("SELECT count(*) FROM settlement")
        XCTAssertEqual(ledger, 1200)
    }

    func testTheCostOfALeaseDoesNotGrowWithTheBacklog() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for lane in 1...20 { try await fixture.append(5, to: LaneKey("\(lane)")) }
        try await fixture.append(1000, to: "hot")
        let few = try await leaseBuffers(in: fixture)
        try await fixture.append(100_000, to: "hot")
        _ = try await fixture.pool.query(
            """
            INSERT INTO lane
                (lane_id, connection, state, tail, ready_at, segment, tail_segment, key)
            SELECT n, 1 + n % 2, 1, 1, now(), segment_now(), segment_now(), n
            FROM generate_series(1, 20000) AS n
            """)
        let many = try await leaseBuffers(in: fixture)
        XCTAssertLessThan(many, few * 3 / 2, "from \(few) to \(many)")
        XCTAssertLessThan(many, 1000)
    }

    /// The dead entries stay until the transaction ends.
    func testAForgottenTransactionMakesLeasesNoMoreExpensive() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let forgotten = Session(to: fixture.database.address)
        try await forgotten.open()
        try await forgotten.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try await forgotten.query("SELECT FROM lane")
        let worker = try await fixture.worker()
        for lane in 1...21 { try await fixture.append(1, to: LaneKey("first \(lane)")) }
        let before = try await leaseBuffers(in: fixture)
        for round in 1...100 {
            let events = (1...100).map {
                NewEvent.sample("\(round)/\($0)", lane: LaneKey("\($0)"))
            }
            _ = try await fixture.append(events)
            let lanes = try await fixture.lease(worker).lanes
            _ = try await fixture.store.settle(lanes.map { $0.settled() })
        }
        let moments = try await fixture.pool.query("SELECT extract(epoch FROM now())::float8")
            .decoded(Double.self)
        for lane in 1...21 { try await fixture.append(1, to: LaneKey("new \(lane)")) }
        let after = try await leaseBuffers(in: fixture, from: [0] + moments)
        XCTAssertLessThan(after * 2, before * 3, "from \(before) to \(after)")
        await forgotten.close()
    }

    func testAFloorHidesNoLaneForGood() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let worker = try await fixture.worker()
        try await fixture.append(1, to: "early")
        try await fixture.append(1, to: "late")
        _ = try await fixture.pool.query(
            "UPDATE lane SET ready_at = now() - interval '1 hour' WHERE key = 'early'")
        // A clock that was set back since has written this.
        let floors = fixture.store.floors
        for _ in 1...2 { floors.raise(by: [(1, 100_000_000_000)], at: 100_000_000_000) }
        let hidden = try await fixture.lease(worker).lanes
        XCTAssertEqual(hidden, [])
        // That lease has told the store the time, so the next one looks at everything.
        let found = try await fixture.lease(worker).lanes
        XCTAssertEqual(Set(found.map(\.key)), ["early", "late"])
    }

    func testFloorsFollowTheOldestThatWasLeased() {
        let floors = LeaseFloors()
        func check(
            _ leased: [(Int32, Double)], at now: Double, _ expected: [Double], line: UInt = #line
        ) {
            floors.raise(by: leased, at: now)
            XCTAssertEqual(floors.present, expected, line: line)
        }
        check([(3, 1010)], at: 1020, [])
        check([(3, 1010), (1, 1005), (3, 1007)], at: 1021, [0, 1003, 0, 1005])
        // A floor is never lowered, and never reaches the present.
        check([(3, 1001), (1, 1030)], at: 1023, [0, 1021, 0, 1005])
    }

    /// A lease that ran from a floor knows nothing of lanes below it.
    func testEverySoOftenALeaseRunsFromNoFloor() {
        let floors = LeaseFloors()
        for now in [1000, 1001] as [Double] { floors.raise(by: [(1, 999)], at: now) }
        XCTAssertEqual(floors.present, [0, 997])
        floors.raise(by: [(1, 1018)], at: 1020)
        XCTAssertEqual(floors.present, [])
        floors.raise(by: [(1, 990)], at: 1021)
        XCTAssertEqual(floors.present, [0, 988])
    }

    func testNoFloorOutlivesAClockThatIsSetBack() {
        for step in [5, 3600] as [Double] {
            let floors = LeaseFloors()
            for now in [5000, 5010] as [Double] { floors.raise(by: [(Int32(1), now)], at: now) }
            floors.raise(by: [], at: 5010 - step)
            XCTAssertEqual(floors.present, [], "\(step) s")
        }
    }

    /// The blocks that one lease touches, by the server's own count.
    private func leaseBuffers(
        in fixture: StoreFixture, from floors: [Double] = []
    ) async throws -> Int {
        let worker = try await fixture.worker()
        let limits = LeaseLimits(lanesMax: 21, jobsPerLaneMax: 5)
        let statement = worker.leaseStatement(limits, from: floors)
        let plan = try await fixture.pool.pipeline([
            Store.byIndexOnly, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) \(statement)",
        ])
        // EXPLAIN has leased them.
        try await fixture.store.retire(worker)
        let json = try JSON(parsing: plan[1][0].decoded(String.self))
        let top = try XCTUnwrap(json[0]?["Plan"])
        XCTAssertGreaterThanOrEqual(top["Actual Rows"]?.int ?? 0, 21)
        return (top["Shared Hit Blocks"]?.int ?? 0) + (top["Shared Read Blocks"]?.int ?? 0)
    }
}

/// The sequences that the workers saw of each lane.
private actor Seen {
    private(set) var sequences: [LaneKey: [Int64]] = [:]
    private(set) var count = 0

    func note(_ lane: LeasedLane) {
        sequences[lane.key, default: []] += lane.jobs.map(\.sequence)
        count += lane.jobs.count
    }
}
