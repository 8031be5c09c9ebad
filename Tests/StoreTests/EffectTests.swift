import JSON
import Models
import Postgres
import Store
import TestSupport
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
        try await store.begin(key, of: job, under: lane.fence, request: ["do": "it"])
        let begun = try await store.effects(of: lane.jobs, in: lane.id)
        XCTAssertEqual(begun, [key: .started])
        try await store.finish(
            key, of: job, under: lane.fence, as: .performed(["id": "P1\0"]), links: [link])
        try await fixture.expire(worker)
        _ = try await store.rescue()
        let heir = try await fixture.worker("heir")
        let again = try await fixture.leasedLane(heir)
        let found = try await store.effects(of: again.jobs, in: again.id)
        XCTAssertEqual(found, [key: .performed(["id": "P1\0"])])
        // Begun again by mistake, it stays performed.
        try await store.begin(key, of: job, under: again.fence)
        let kept = try await store.effects(of: again.jobs, in: again.id)
        XCTAssertEqual(kept, found)
        let links = try await store.links(incident: "Q1", in: "one")
        XCTAssertEqual(links, [link])
    }

    func testFailuresKeepTheirWords() async throws {
        let (fixture, lane, _) = try await leased()
        let cause = Cause(.pagerDuty, code: "2001", message: "\"no\"\0", status: 400)
        try await fixture.store.finish(
            key, of: lane.jobs[1], under: lane.fence, as: .failed(cause))
        let found = try await fixture.store.effects(of: lane.jobs, in: lane.id)
        XCTAssertEqual(found, [key: .failed(cause)])
    }

    func testALostLeaseRecordsNothing() async throws {
        let (fixture, lane, worker) = try await leased()
        let store = fixture.store
        let link = try link("Q1", "5003000000D8cuIAAR")
        let job = lane.jobs[0]
        let entry = JournalEntry(target: "record:5", field: "status", value: "New")
        try await fixture.expire(worker)
        _ = try await store.rescue()
        await assertThrows(.lostLease) { () async throws(StoreError) in
            try await store.begin(key, of: job, under: lane.fence, remembering: [entry])
        }
        await assertThrows(.lostLease) { () async throws(StoreError) in
            try await store.finish(
                key, of: job, under: lane.fence, as: .performed(true), links: [link],
                remembering: [entry])
        }
        for table in ["effect", "journal", "link"] {
            let count = try await fixture.number("SELECT count(*) FROM \(unescaped: table)")
            XCTAssertEqual(count, 0, table)
        }
    }

    func testWhatAnEffectSupersedesIsPerformedWithIt() async throws {
        let (fixture, lane, _) = try await leased()
        let older = SupersededEffect(key: "e0|set/rule|1", job: lane.jobs[0])
        try await fixture.store.finish(
            key, of: lane.jobs[1], under: lane.fence, as: .performed("ok"), superseding: [older])
        let found = try await fixture.store.effects(of: lane.jobs, in: lane.id)
        XCTAssertEqual(
            found,
            [
                key: .performed("ok"),
                older.key: .performed(["supersededBy": .string(key.rawValue)]),
            ])
    }

    func testSurroundingsShowTheLinksOfIncidentsAndRecords() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let one = try link("Q1", "5003000000D8cuIAAR")
        let other = try link("Q2", "5003000000D8cuJAAR")
        let third = try link("Q3", "5003000000D8cuKAAR")
        for link in [one, other, third] { try await fixture.store.link(link, in: "one") }
        let found = try await fixture.store.surroundings(
            incidents: ["Q1"], records: [one.record, other.record], entries: [], in: "one")
        XCTAssertEqual(Set(found.links), [one, other])
    }

    func testEchoesAreRecognisedUntilTheyExpire() async throws {
        let (fixture, lane, _) = try await leased()
        let store = fixture.store
        let written = JournalEntry(target: "record:5", field: "status", value: "New")
        let other = JournalEntry(target: "record:5", field: "status", value: "Old")
        let otherField = JournalEntry(target: "record:5", field: "priority", value: "New")
        try await store.begin(
            key, of: lane.jobs[0], under: lane.fence, remembering: [written], forSeconds: 600)
        let seen = [other, written, otherField, written]
        let echoes = try await store.surroundings(
            incidents: [], records: [], entries: seen, in: "one"
        ).echoes
        XCTAssertEqual(echoes, [written])
        let elsewhere = try await store.surroundings(
            incidents: [], records: [], entries: seen, in: "two"
        ).echoes
        XCTAssertEqual(elsewhere, [])
        _ = try await fixture.pool.query("UPDATE journal SET expires_at = now()")
        let later = try await store.surroundings(
            incidents: [], records: [], entries: seen, in: "one"
        ).echoes
        XCTAssertEqual(later, [])
    }

    func testWritesToATargetAreCounted() async throws {
        let (fixture, lane, _) = try await leased()
        let store = fixture.store
        for (value, ordinal) in [("A", 1), ("B", 2), ("A", 3)] {
            let entries = ["status", "priority"].map {
                JournalEntry(target: "record:5", field: $0, value: value)
            }
            try await store.begin(
                EffectKey("\(ordinal)"), of: lane.jobs[0], under: lane.fence,
                remembering: entries)
        }
        let writes = try await store.writes(to: "record:5", in: "one", lastSeconds: 600)
        XCTAssertEqual(writes, 3)
        let others = try await store.writes(to: "record:6", in: "one", lastSeconds: 600)
        XCTAssertEqual(others, 0)
    }

    func testLinksAreManyToMany() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = fixture.store
        let link = try link("Q1", "5003000000D8cuIAAR")
        let other = try self.link("Q2", "5003000000D8cuI")
        let record = other.record
        for link in [link, other, link] { try await store.link(link, in: "one") }
        // 15 and 18 characters are the same record.
        let ofRecord = try await store.links(records: [record], in: "one")
        XCTAssertEqual(Set(ofRecord), [link, other])
        let ofIncident = try await store.links(incident: "Q2", in: "one")
        XCTAssertEqual(ofIncident, [other])
        let elsewhere = try await store.links(incident: "Q2", in: "two")
        XCTAssertEqual(elsewhere, [])
        let gone = try await store.unlink(incident: "Q2", record: record, in: "one")
        XCTAssertTrue(gone)
        let again = try await store.unlink(incident: "Q2", record: record, in: "one")
        XCTAssertFalse(again)
    }
}
