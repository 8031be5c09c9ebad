import Models
import Postgres
import Store
import TestSupport
import XCTest

final class AppendTests: XCTestCase {
    private func sequences(_ answers: [Appended]) -> [Int64?] {
        answers.map { answer in
            switch answer {
            case .accepted(_, let sequence): sequence
            case .duplicate: nil
            }
        }
    }

    func testSequencesAreDenseInTheOrderOfTheInput() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let first = try await fixture.append([
            .sample("e9", lane: "a"), .sample("e1", lane: "b"), .sample("e5", lane: "a"),
            .sample("e2", lane: "a"),
        ])
        XCTAssertEqual(sequences(first), [1, 1, 2, 3])
        let second = try await fixture.append([
            .sample("e3", lane: "b"), .sample("e0", lane: "a"),
        ])
        XCTAssertEqual(sequences(second), [2, 4])
    }

    func testReplaysAmongOtherEventsKeepTheirOrigin() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let plain = ["e1", "e2", "e3", "e4"].map { NewEvent.sample($0) }
        let replays = [
            plain[0].event.replayed(.all, nonce: "1"), plain[3].event.replayed(.rest, nonce: "2"),
        ].map { NewEvent(event: $0, deduplicationKey: $0.id.rawValue) }
        let batch = [plain[0], plain[1], replays[0], plain[2], plain[1], replays[1], plain[3]]
        let answers = try await fixture.append(batch)
        XCTAssertEqual(sequences(answers), [1, 2, 3, 4, nil, 5, 6])
        let lane = try await fixture.leasedLane(try await fixture.worker())
        let appended = [0, 1, 2, 3, 5, 6].map { batch[$0].event }
        XCTAssertEqual(lane.jobs.map(\.event), appended)
        let logged = try await fixture.store.events()
        XCTAssertEqual(logged.map(\.job.event), appended.reversed())
    }

    func testAnEventIsTakenOnce() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let inBatch = try await fixture.append([
            .sample("e1", key: "k1"), .sample("e2", key: "k2"), .sample("e3", key: "k1"),
        ])
        XCTAssertEqual(sequences(inBatch), [1, 2, nil])
        let acrossBatches = try await fixture.append([
            .sample("e4", key: "k2"), .sample("e5", key: "k3"), .sample("e6", key: "k1"),
        ])
        XCTAssertEqual(sequences(acrossBatches), [nil, 3, nil])
        let otherConnection = try await fixture.append([
            .sample("e7", connection: "two", key: "k1")
        ])
        XCTAssertEqual(sequences(otherConnection), [1])
    }

    func testDuplicatesAreKnownAcrossPeriods() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for (age, expected) in [(1, [nil]), (2, [nil]), (3, [1])] as [(Int, [Int64?])] {
            let key = "k\(age)"
            _ = try await fixture.append([.sample("old", lane: LaneKey(key), key: key)])
            _ = try await fixture.pool.query(
                "SELECT create_partition('deduplication', period_now() - \(age)::int, '')")
            _ = try await fixture.pool.query(
                """
                UPDATE deduplication SET period = period - \(age)::int
                WHERE period = period_now()
                """)
            _ = try await fixture.pool.query("DELETE FROM lane")
            _ = try await fixture.pool.query("DELETE FROM job")
            let again = try await fixture.append([.sample("new", lane: LaneKey(key), key: key)])
            XCTAssertEqual(sequences(again), expected, "after \(age) periods")
        }
    }

    func testHostileTextHarmsNoOtherEvent() async throws {
        let fixture = try await StoreFixture.make(for: self)
        var broken = NewEvent.sample("nul\0", lane: "l\0", key: "k\0")
        broken.event.payload = [0x22, 0xFF, 0x00, 0x22]
        broken.event.occurredAt = Timestamp(milliseconds: .max)
        let long = NewEvent.sample(String(repeating: "x", count: 100_000), lane: "'; --")
        let answers = try await fixture.append([broken, long, .sample("good")])
        XCTAssertEqual(sequences(answers), [1, 1, 1])
        let worker = try await fixture.worker()
        let lanes = try await fixture.lease(worker).lanes
        XCTAssertEqual(
            Set(lanes.flatMap { $0.jobs.map(\.event.id) }),
            ["nul\u{FFFD}", long.event.id, "good"])
    }

    func testAnUnknownConnectionIsNamed() async throws {
        let fixture = try await StoreFixture.make(for: self)
        await assertThrows(.notFound(.connection("elsewhere"))) {
            () async throws(StoreError) in
            try await fixture.store.append([.sample("e", connection: "elsewhere")])
        }
    }

    func testAnAppendCreatesMissingPartitions() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.pool.query(
            """
            CREATE OR REPLACE FUNCTION segment_now() RETURNS int LANGUAGE sql VOLATILE AS
            'SELECT 99999'
            """)
        let answers = try await fixture.append([.sample("e")])
        XCTAssertEqual(sequences(answers), [1])
        let segments = try await fixture.number("SELECT segment FROM job")
        XCTAssertEqual(segments, 99_999)
    }

    /// Eight appenders use lanes and keys that overlap, in batches of random order.
    func testConcurrentAppendersLoseAndRepeatNothing() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
            for appender in 0..<8 {
                group.addTask {
                    var random = SplitMix64(seed: UInt64(appender))
                    var accepted = 0
                    for _ in 0..<25 {
                        let batch = (0..<40).map { _ in
                            let number = Int.random(in: 0..<4000, using: &random)
                            return NewEvent.sample("e\(number)", lane: LaneKey("\(number % 37)"))
                        }
                        accepted += try await fixture.append(batch).count { $0 != .duplicate }
                    }
                    return accepted
                }
            }
            return try await group.reduce(0, +)
        }
        let jobs = try await fixture.number("SELECT count(*) FROM job")
        XCTAssertEqual(jobs, accepted)
        let distinct = try await fixture.number("SELECT count(DISTINCT event_id) FROM job")
        XCTAssertEqual(distinct, jobs)
        let holes = try await fixture.number(
            """
            SELECT count(*) FROM lane
            WHERE (tail, 1::bigint, tail) IS DISTINCT FROM
                (SELECT (count(*), min(sequence), max(sequence)) FROM job
                 WHERE job.lane_id = lane.lane_id)
            """)
        XCTAssertEqual(holes, 0)
        let deadlocks = try await fixture.deadlocks()
        XCTAssertEqual(deadlocks, 0)
    }
}
