import Models
import Postgres
import TestSupport
import XCTest

@testable import Store

final class RetentionTests: XCTestCase {
    /// Sets the day of the database's clock.
    private func turn(_ fixture: StoreFixture, to day: Int) async throws {
        _ = try await fixture.pool.query(
            """
            CREATE OR REPLACE FUNCTION segment_now() RETURNS int LANGUAGE sql VOLATILE AS
            'SELECT \(unescaped: String(day))'
            """)
    }

    private func settleAll(_ fixture: StoreFixture) async throws {
        let worker = try await fixture.worker()
        var lease = try await fixture.lease(worker)
        while !lease.lanes.isEmpty {
            lease = try await fixture.lease(worker, settling: lease.lanes.map { $0.settled() })
        }
    }

    private func segments(_ fixture: StoreFixture, of table: String) async throws -> [Int] {
        try await fixture.pool.query(
            "SELECT DISTINCT segment::bigint FROM \(unescaped: table) ORDER BY 1"
        ).decoded(Int.self)
    }

    func testOnlyWhatIsOldAndNotNeededGoes() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for day in [1000, 1001, 1002] {
            try await turn(fixture, to: day)
            _ = try await fixture.append([.sample("\(day)", lane: LaneKey("\(day)"))])
            if day != 1001 { try await settleAll(fixture) }
            if day == 1001 {
                // This lane waits for longer than the retention.
                _ = try await fixture.pool.query(
                    "UPDATE lane SET ready_at = now() + interval '1 year' WHERE state = 1")
            }
        }
        try await turn(fixture, to: 1032)
        let early = try await fixture.store.maintain(Retention(logDays: 30))
        XCTAssertEqual(early.segmentsDropped, [1000])
        let left = try await segments(fixture, of: "job")
        XCTAssertEqual(left, [1001, 1002])
        try await turn(fixture, to: 1100)
        let blocked = try await fixture.store.maintain(Retention(logDays: 30))
        XCTAssertEqual(blocked.segmentsDropped, [])
        try await fixture.passDelays()
        try await settleAll(fixture)
        let late = try await fixture.store.maintain(Retention(logDays: 30))
        XCTAssertTrue(late.segmentsDropped.starts(with: [1001, 1002]))
        let rest = try await segments(fixture, of: "settlement")
        XCTAssertEqual(rest, [])
    }

    /// A full disk gets room again by the oldest days.
    func testOldDaysAreDroppedEvenIfNewOnesCannotBeCreated() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await turn(fixture, to: 1000)
        _ = try await fixture.append([.sample("e1")])
        try await settleAll(fixture)
        try await turn(fixture, to: 1031)
        _ = try await fixture.pool.query(
            """
            CREATE OR REPLACE FUNCTION create_partition(parent text, number int, options text)
            RETURNS void LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'No space left on device' USING ERRCODE = 'disk_full'; END $$
            """)
        await assertThrows(.unavailable(reason: "No space left on device")) {
            () async throws(StoreError) in
            try await fixture.store.maintain(Retention(logDays: 30))
        }
        let left = try await segments(fixture, of: "job")
        XCTAssertEqual(left, [])
    }

    /// Such a connection is switched off, or was moved into another database.
    func testEventsOfUnservedConnectionsGoWithTheirDay() async throws {
        for condition in ["is_active = false", "blocked_until = 'infinity'"] as [SQL] {
            let fixture = try await StoreFixture.make(for: self)
            try await turn(fixture, to: 1000)
            _ = try await fixture.append([
                .sample("e1", lane: "all"), .sample("e2", lane: "some"),
                .sample("e3", lane: "none"),
            ])
            _ = try await fixture.store.settle(
                try await fixture.lease(fixture.worker()).lanes.filter { $0.key == "none" }
                    .map { $0.settled() })
            try await fixture.releaseAll()
            try await turn(fixture, to: 1031)
            _ = try await fixture.append([
                .sample("e4", lane: "some"), .sample("e5", lane: "some"),
                .sample("e6", lane: "none"),
            ])
            _ = try await fixture.pool.query(
                "UPDATE connection SET \(condition) WHERE id = 'one'")
            try await turn(fixture, to: 1032)
            let done = try await fixture.store.maintain(Retention(logDays: 30))
            XCTAssertEqual(done.segmentsDropped, [1000, 1001])
            XCTAssertEqual(done.lanesExpired, 2)
            try await turn(fixture, to: 1033)
            let again = try await fixture.store.maintain(Retention(logDays: 30))
            XCTAssertEqual(again.lanesExpired, 0)

            _ = try await fixture.pool.query(
                "UPDATE connection SET is_active = true, blocked_until = 'epoch'")
            _ = try await fixture.append([.sample("e7", lane: "all")])
            let lanes = try await fixture.lease(fixture.worker()).lanes
            XCTAssertEqual(
                Dictionary(
                    uniqueKeysWithValues: lanes.map { ($0.key, $0.jobs.map(\.event.id)) }),
                ["all": ["e7"], "some": ["e4", "e5"], "none": ["e6"]])
            let lost = try await fixture.store.settle(lanes.map { $0.settled() })
            XCTAssertEqual(lost, [])
        }
    }

    /// The settlement of a leased lane needs its day.
    func testADayIsKeptWhileAWorkerHasALaneOfItEvenOfAConnectionThatIsOff() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await turn(fixture, to: 1000)
        _ = try await fixture.append([.sample("e1")])
        let lane = try await fixture.leasedLane(fixture.worker())
        _ = try await fixture.pool.query("UPDATE connection SET is_active = false")
        try await turn(fixture, to: 1032)
        let early = try await fixture.store.maintain(Retention(logDays: 30))
        XCTAssertEqual(early.segmentsDropped, [])
        let lost = try await fixture.store.settle([lane.settled()])
        XCTAssertEqual(lost, [])
        let late = try await fixture.store.maintain(Retention(logDays: 30))
        XCTAssertEqual(late.segmentsDropped, [1000, 1001])
    }

    func testABusyPartitionIsLeftForTheNextRound() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await turn(fixture, to: 1000)
        _ = try await fixture.append([.sample("e")])
        try await settleAll(fixture)
        try await turn(fixture, to: 1004)
        _ = try await fixture.store.maintain(Retention(logDays: 30))
        try await turn(fixture, to: 1034)
        try await fixture.pool.withTransaction { session throws(PostgresError) in
            try await session.query("SELECT count(*) FROM job")
            do {
                let busy = try await fixture.store.maintain(Retention(logDays: 30))
                XCTAssertEqual(busy.segmentsDropped, [])
                XCTAssertEqual(busy.segmentsBusy, [1000, 1001, 1002, 1003])
            } catch {
                XCTFail("\(error)")
            }
        }
        let free = try await fixture.store.maintain(Retention(logDays: 30))
        XCTAssertEqual(free.segmentsDropped, [1000, 1001, 1002, 1003])
    }

    func testALaneThatCrossesMidnightIsReadInOrder() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for (event, day) in [("e1", 1000), ("e2", 1002), ("e3", 1001), ("e4", 1005)] {
            try await turn(fixture, to: day)
            _ = try await fixture.append([.sample(event)])
        }
        let worker = try await fixture.worker()
        let lane = try await fixture.leasedLane(worker)
        XCTAssertEqual(lane.jobs.map(\.event.id), ["e1", "e2", "e3", "e4"])
        // The clock went back once, and segments did not.
        XCTAssertEqual(lane.jobs.map(\.segment), [1000, 1002, 1002, 1005])
        _ = try await fixture.store.settle([lane.settled(first: 2)])
        let rest = try await fixture.leasedLane(worker)
        XCTAssertEqual(rest.jobs.map(\.event.id), ["e3", "e4"])
    }

    func testMidnightMayComeBetweenTwoReadsOfTheClock() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.pool.query("CREATE SEQUENCE day START 1000")
        _ = try await fixture.pool.query(
            """
            SELECT create_partition(parent, day, '') FROM generate_series(1000, 1020) AS day,
                unnest(ARRAY['job', 'settlement']) AS parent
            """)
        _ = try await fixture.pool.query(
            """
            CREATE OR REPLACE FUNCTION segment_now() RETURNS int LANGUAGE sql VOLATILE AS
            'SELECT nextval(''day'')::int'
            """)
        let worker = try await fixture.worker()
        for round in 1...3 {
            for part in 1...3 {
                _ = try await fixture.append([
                    .sample("\(round) \(part) a", lane: "a"),
                    .sample("\(round) \(part) b", lane: "b"),
                ])
            }
            let lanes = try await fixture.lease(worker).lanes
            XCTAssertEqual(lanes.map(\.jobs.count), [3, 3])
            let lost = try await fixture.store.settle(lanes.map { $0.settled() })
            XCTAssertEqual(lost, [])
        }
    }

    func testLanesAreCleanedWhenMuchOfThemIsDead() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for lane in 1...10 { try await fixture.append(1, to: LaneKey("\(lane)")) }
        _ = try await fixture.pool.query("ALTER TABLE lane SET (autovacuum_enabled = off)")
        let early = try await fixture.store.cleanLanes()
        XCTAssertFalse(early)
        try await fixture.pool.withSession { session throws(PostgresError) in
            try await session.query(
                """
                DO $$ BEGIN
                    FOR round IN 1..2100 LOOP
                        UPDATE lane SET ready_at = clock_timestamp();
                    END LOOP;
                END $$
                """, timeout: .seconds(60))
            try await session.query("SELECT pg_stat_force_next_flush()")
            try await session.query("SELECT 1")
        }
        let late = try await fixture.store.cleanLanes()
        XCTAssertTrue(late)
        let vacuums = try await fixture.number(
            "SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'lane'")
        XCTAssertEqual(vacuums, 1)
    }

    func testWhatHasExpiredIsDeleted() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(1, to: "idle for long")
        try await fixture.append(1, to: "idle")
        try await settleAll(fixture)
        try await fixture.append(1, to: "waiting for long")
        _ = try await fixture.pool.query(
            "UPDATE lane SET ready_at = now() - interval '33 days' WHERE key LIKE '%long'")
        _ = try await fixture.pool.query(
            """
            SELECT create_partition('deduplication', period_now() - n, '')
            FROM generate_series(1, 4) AS n
            """)
        _ = try await fixture.pool.query(
            """
            INSERT INTO postponement (lane_id, sequence, attempt, cause, postponed_at)
            SELECT age, 1, 1, '{}', now() - age * interval '1 day' FROM generate_series(31, 34) AS age
            """)
        let done = try await fixture.store.maintain(Retention(logDays: 30))
        XCTAssertEqual(done.lanesDeleted, 1)
        XCTAssertEqual(done.periodsDropped.count, 2)
        let lanes = try await fixture.pool.query("SELECT key FROM lane ORDER BY key")
            .decoded(String.self)
        XCTAssertEqual(lanes, ["idle", "waiting for long"])
        let postponements = try await fixture.number("SELECT count(*) FROM postponement")
        XCTAssertEqual(postponements, 1)
    }

    func testWhatHasExpiredIsDeletedInPortions() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.pool.query(
            """
            INSERT INTO journal (connection, target, field, hash, expires_at)
            SELECT 1, 't', 'f', '', now() + (n - 35.5) * interval '1 minute'
            FROM generate_series(1, 40) AS n
            """)
        _ = try await fixture.pool.query(
            """
            INSERT INTO lane
                (lane_id, connection, state, tail, done, ready_at, segment, tail_segment, key)
            SELECT n, 1, 0, 1, 1, now() - (n - 3.5) * interval '1 day', 1, 1, n
            FROM generate_series(1, 70) AS n
            """)
        let retention = Retention(logDays: 30, rowsAtOnceMax: 10)
        let writes = try await fixture.store.deleteExpiredWrites(retention)
        XCTAssertEqual(writes, 35)
        let journal = try await fixture.number("SELECT count(*) FROM journal")
        XCTAssertEqual(journal, 5)
        let done = try await fixture.store.maintain(retention)
        XCTAssertEqual(done.lanesDeleted, 35)
        let none = try await fixture.store.maintain(
            Retention(logDays: 1, rowsAtOnceMax: 10, timeMax: .zero))
        XCTAssertEqual(none.lanesDeleted, 10, "the rest has time")
    }
}

extension StoreFixture {
    fileprivate func releaseAll() async throws {
        _ = try await pool.query(
            "UPDATE lane SET state = 1, owner = NULL, epoch = epoch + 1 WHERE state = 2")
    }
}
