import JSON
import Models
import Postgres
import Store
import XCTest

final class EffectTests: XCTestCase {
    private let key: EffectKey = "e1|set/rule|1"
    private func link(_ incident: IncidentID, _ record: String) throws -> Link {
        Link(incident: incident, object: "Case", record: try XCTUnwrap(RecordID(record)))
    }

    private func leased() async throws -> (StoreFixture, LeasedLane, WorkerID) {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(2, to: "a")
        let worker = try await fixture.worker()
        return (fixture, try await fixture.leasedLane(worker), worker)
    }

    func testAnEffectIsFoundByTheNextAttempt() async throws {
        let (fixture, lane, worker) = try await leased()
        let store = fixture.store
        let link = try link("Q1", "5003000000D8cuIAAR")
        let job = lane.jobs[0]
        let start = EffectStart(key, of: job, under: lane.fence)
        var standings = try await store.begin([start])
        XCTAssertEqual(standings, [.new])
        standings = try await store.begin([start])
        XCTAssertEqual(standings, [.startedBefore])
        let begun = try await store.effects(of: lane.jobs, in: lane.id)
        XCTAssertEqual(begun, [key: .started])
        let held = try await store.finish([
            EffectEnd(
                key, of: job, under: lane.fence, as: .performed(["id": "P1\0"]), links: [link])
        ])
        XCTAssertEqual(held, [true])
        try await fixture.expire(worker)
        _ = try await store.rescue()
        let heir = try await fixture.worker("heir")
        let again = try await fixture.leasedLane(heir)
        let found = try await store.effects(of: again.jobs, in: again.id)
        XCTAssertEqual(found, [key: .ended(.performed(["id": "P1\0"]))])
        standings = try await store.begin([EffectStart(key, of: job, under: again.fence)])
        XCTAssertEqual(standings, [.performed(["id": "P1\0"])])
        let kept = try await store.effects(of: again.jobs, in: again.id)
        XCTAssertEqual(kept, found)
        let links = try await store.links(incident: "Q1", in: "one")
        XCTAssertEqual(links, [link])
    }

    func testWhatTheFirstEffectWasJudgedOnIsFoundHoweverLongItIs() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(2, to: "a")
        let lane = try await fixture.leasedLane(try await fixture.worker())
        let (job, other) = (lane.jobs[0], lane.jobs[1])
        let facts: JSON = ["noteText": .string(String(repeating: "日", count: 150_000))]
        _ = try await fixture.store.begin([
            EffectStart("a", of: job, under: lane.fence, facts: facts),
            EffectStart("b", of: job, under: lane.fence),
            EffectStart("c", of: other, under: lane.fence),
        ])
        let found = try await fixture.store.begunFacts(of: job, in: lane.id)
        XCTAssertEqual(found, facts)
        let around = try await fixture.store.laneContext(
            incidents: [], records: [], entries: [],
            jobs: [job, other].map { JobName($0, in: lane.id) }, in: "one")
        XCTAssertEqual(around.begun, [JobName(job, in: lane.id): facts])
    }

    func testTheCommandOfTheLatestAttemptIsRecorded() async throws {
        let (fixture, lane, _) = try await leased()
        let store = fixture.store
        let commands: [Command] = [.addNote("Q1", text: "a"), .deliver(path: "/p", body: "b")]
        func recorded() async throws -> [RecordedEffect] {
            try await store.effects(ofAll: "e1", in: lane.id).records
        }
        for command in commands {
            _ = try await store.begin([
                EffectStart(key, of: lane.jobs[0], under: lane.fence, command: command)
            ])
            let found = try await recorded()
            let fingerprint = RecordedCommand.fingerprint(CommandFingerprint(command))
            XCTAssertEqual(
                found, [RecordedEffect(key: key, progress: .started, command: fingerprint)])
            XCTAssertEqual(found.map { $0.command?.kind }, [command.kind])
        }
        // A program that knew no fingerprints would have written this row.
        _ = try await fixture.pool.query(
            "UPDATE effect SET command = NULL, fingerprint_version = NULL, fingerprint = NULL")
        let earlier = try await recorded()
        XCTAssertEqual(earlier.map(\.command), [.json(commands[1].json)])
    }

    func testEffectsOfManyLanesAreRecordedTogetherEachByItsOwnFence() async throws {
        let fixture = try await StoreFixture.make(for: self)
        for name in ["a", "b", "c"] as [LaneKey] { try await fixture.append(1, to: name) }
        let worker = try await fixture.worker()
        let lanes = try await fixture.lease(worker).lanes
        var fences = lanes.map(\.fence)
        fences[1] = Fence(lane: fences[1].lane, epoch: fences[1].epoch - 1)
        let starts = zip(lanes, fences).map { EffectStart(key, of: $0.jobs[0], under: $1) }
        let standings = try await fixture.store.begin(starts)
        XCTAssertEqual(standings, [.new, .lost, .new])
        let ends = zip(lanes, fences).map {
            EffectEnd(key, of: $0.jobs[0], under: $1, as: .performed(true))
        }
        let held = try await fixture.store.finish(ends)
        XCTAssertEqual(held, [true, false, true])
        let states = try await fixture.pool.query("SELECT state FROM effect").decoded(String.self)
        XCTAssertEqual(states, ["performed", "performed"])
    }

    func testFailuresKeepTheirWords() async throws {
        let (fixture, lane, _) = try await leased()
        let cause = Cause(.pagerDuty, code: "2001", message: "\"no\"\0", status: 400)
        _ = try await fixture.store.finish([
            EffectEnd(key, of: lane.jobs[1], under: lane.fence, as: .failed(cause))
        ])
        let found = try await fixture.store.effects(of: lane.jobs, in: lane.id)
        XCTAssertEqual(found, [key: .ended(.failed(cause))])
    }

    func testALostLeaseRecordsNothing() async throws {
        let (fixture, lane, worker) = try await leased()
        let store = fixture.store
        let link = try link("Q1", "5003000000D8cuIAAR")
        let job = lane.jobs[0]
        let entry = JournalEntry(target: "record:5", field: "status", value: "New")
        try await fixture.expire(worker)
        _ = try await store.rescue()
        let standings = try await store.begin([
            EffectStart(key, of: job, under: lane.fence, writes: [entry])
        ])
        XCTAssertEqual(standings, [.lost])
        let held = try await store.finish([
            EffectEnd(
                key, of: job, under: lane.fence, as: .performed(true), links: [link],
                writes: [entry])
        ])
        XCTAssertEqual(held, [false])
        for table in ["effect", "journal", "link"] {
            let count = try await fixture.number("SELECT count(*) FROM \(unescaped: table)")
            XCTAssertEqual(count, 0, table)
        }
    }

    func testWhatAnEffectSupersedesIsPerformedWithIt() async throws {
        let (fixture, lane, _) = try await leased()
        let older = SupersededEffect(key: "e0|set/rule|1", job: lane.jobs[0])
        _ = try await fixture.store.finish([
            EffectEnd(
                key, of: lane.jobs[1], under: lane.fence, as: .performed("ok"),
                superseding: [older])
        ])
        let found = try await fixture.store.effects(of: lane.jobs, in: lane.id)
        XCTAssertEqual(
            found,
            [
                key: .ended(.performed("ok")),
                older.key: .ended(.performed(["supersededBy": .string(key.rawValue)])),
            ])
    }

    func testTheContextHoldsTheLinksOfIncidentsAndRecords() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let one = try link("Q1", "5003000000D8cuIAAR")
        let other = try link("Q2", "5003000000D8cuJAAR")
        let third = try link("Q3", "5003000000D8cuKAAR")
        for link in [one, other, third] { try await fixture.store.link(link, in: "one") }
        let found = try await fixture.store.laneContext(
            incidents: ["Q1"], records: [one.record, other.record], entries: [], in: "one")
        XCTAssertEqual(Set(found.links), [one, other])
    }

    func testEchoesAreRecognisedUntilTheyExpire() async throws {
        let (fixture, lane, _) = try await leased()
        let store = fixture.store
        let written = JournalEntry(target: "record:5", field: "status", value: "New")
        let other = JournalEntry(target: "record:5", field: "status", value: "Old")
        let otherField = JournalEntry(target: "record:5", field: "priority", value: "New")
        _ = try await store.begin([
            EffectStart(key, of: lane.jobs[0], under: lane.fence, writes: [written])
        ])
        let seen = [other, written, otherField, written]
        let echoes = try await store.laneContext(
            incidents: [], records: [], entries: seen, in: "one"
        ).echoes
        XCTAssertEqual(echoes, [written])
        let elsewhere = try await store.laneContext(
            incidents: [], records: [], entries: seen, in: "two"
        ).echoes
        XCTAssertEqual(elsewhere, [])
        _ = try await fixture.pool.query("UPDATE journal SET expires_at = now()")
        let later = try await store.laneContext(
            incidents: [], records: [], entries: seen, in: "one"
        ).echoes
        XCTAssertEqual(later, [])
    }

    func testATargetThatChangesTooOftenIsLeftAlone() async throws {
        let (fixture, lane, _) = try await leased()
        func begin(_ key: EffectKey, _ target: LaneKey) async throws -> [EffectAdmission] {
            let entries = ["status", "priority"].map {
                JournalEntry(target: target, field: $0, value: "A")
            }
            let start = EffectStart(key, of: lane.jobs[0], under: lane.fence, writes: entries)
            return try await fixture.store.begin([start], JournalLimits(changesMax: 3))
        }
        for (key, target, standing) in [
            ("1", "record:5", EffectAdmission.new), ("2", "record:5", .new),
            ("2", "record:5", .startedBefore), ("3", "record:5", .new),
            ("4", "record:5", .fused(changes: 3)), ("5", "record:6", .new),
            ("1", "record:5", .startedBefore),
        ] {
            let standings = try await begin(EffectKey(key), LaneKey(target))
            XCTAssertEqual(standings, [standing], "\(key) of \(target)")
        }
        let recorded = try await fixture.number("SELECT count(*) FROM effect")
        XCTAssertEqual(recorded, 4)
    }

    func testLinksAreManyToMany() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = fixture.store
        let link = try link("Q1", "5003000000D8cuIAAR")
        let other = try self.link("Q2", "5003000000D8cuI")
        let record = other.record
        for link in [link, other, link] { try await store.link(link, in: "one") }
        // An id of 15 characters and one of 18 are the same record.
        let ofRecord = try await store.links(records: [record], in: "one")
        XCTAssertEqual(Set(ofRecord), [link, other])
        let ofIncident = try await store.links(incident: "Q2", in: "one")
        XCTAssertEqual(ofIncident, [other])
        let elsewhere = try await store.links(incident: "Q2", in: "two")
        XCTAssertEqual(elsewhere, [])
        try await store.unlink(record, in: "two")
        let kept = try await store.links(records: [record], in: "one")
        XCTAssertEqual(kept.count, 2)
        try await store.unlink(record, in: "one")
        let gone = try await store.links(records: [record], in: "one")
        XCTAssertEqual(gone, [])
    }
}
