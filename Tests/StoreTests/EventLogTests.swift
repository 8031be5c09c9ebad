import JSON
import Models
import Postgres
import Store
import TestSupport
import XCTest

final class EventLogTests: XCTestCase {
    private let cause = Cause(.salesforce, code: "X", message: "no\0", status: 400)

    /// Lane a: applied, failed, waiting. Lane b: ignored. Connection two: unmatched.
    private func log() async throws -> StoreFixture {
        let fixture = try await StoreFixture.make(for: self)
        for event in [
            NewEvent.sample("a1", lane: "a"), .sample("a2", lane: "a"), .sample("a3", lane: "a"),
            .sample("b1", lane: "b"), .sample("t1", lane: "a", connection: "two"),
        ] { _ = try await fixture.append([event]) }
        let outcomes: [EventID: Outcome] = [
            "a1": .applied, "a2": .failed(cause), "b1": .ignored(reason: "a ping"),
            "t1": .unmatched,
        ]
        let worker = try await fixture.worker()
        let settlements = try await fixture.lease(worker).lanes.map { lane in
            LaneSettlement(
                fence: lane.fence,
                settlements: lane.jobs.compactMap { job in
                    outcomes[job.event.id].map {
                        Settlement(
                            job: job, attempt: 1, outcome: $0,
                            facts: ["of": .string(job.event.id.rawValue)],
                            configurationVersion: 3)
                    }
                }, next: .retry(after: .seconds(600), refundsAttempt: false))
        }
        _ = try await fixture.store.settle(settlements)
        return fixture
    }

    private func check(
        _ filter: EventFilter, in fixture: StoreFixture, is expected: [EventID],
        line: UInt = #line
    ) async throws {
        let found = try await fixture.store.events(filter).map(\.job.event.id)
        XCTAssertEqual(found, expected, line: line)
        // The same events, in pages of one.
        var paged: [EventID] = []
        var cursor: EventCursor?
        while let page = try await fixture.store.events(filter, before: cursor, limit: 1).first {
            paged.append(page.job.event.id)
            cursor = try XCTUnwrap(EventCursor(page.cursor.description), line: line)
        }
        XCTAssertEqual(paged, expected, line: line)
    }

    func testFiltersAndPages() async throws {
        let fixture = try await log()
        try await check(EventFilter(), in: fixture, is: ["t1", "b1", "a3", "a2", "a1"])
        try await check(EventFilter(.connection("two")), in: fixture, is: ["t1"])
        try await check(
            EventFilter(.lane("a", of: "one")), in: fixture, is: ["a3", "a2", "a1"])
        try await check(EventFilter(kind: .ping), in: fixture, is: [])
        for (status, expected) in [
            (.waiting, ["a3"]), (.applied, ["a1"]), (.failed, ["a2"]), (.ignored, ["b1"]),
            (.unmatched, ["t1"]),
        ] as [(EventFilter.EventStatus, [EventID])] {
            try await check(EventFilter(status: status), in: fixture, is: expected)
        }
    }

    func testAnEventTellsHowItEnded() async throws {
        let fixture = try await log()
        let failed = try await fixture.store.event("a2", of: "one")
        XCTAssertEqual(failed?.job.event, NewEvent.sample("a2", lane: "a").event)
        XCTAssertEqual(failed?.ending?.outcome, .failed(cause))
        XCTAssertEqual(failed?.ending?.facts, ["of": "a2"])
        XCTAssertEqual(failed?.ending?.configurationVersion, 3)
        XCTAssertEqual(failed?.ending?.attempt, 1)
        let waiting = try await fixture.store.event("a3", of: "one")
        XCTAssertNotNil(waiting)
        XCTAssertNil(waiting?.ending)
        let elsewhere = try await fixture.store.event("a2", of: "two")
        XCTAssertNil(elsewhere)
    }

    func testACauseWithMoreMembersIsRead() async throws {
        let fixture = try await log()
        let stored: JSON = [
            "origin": "salesforce", "code": "X", "message": "no", "status": 400,
            "outcomeUnknown": true,
        ]
        _ = try await fixture.pool.query(
            "UPDATE settlement SET detail = \(stored.text) WHERE outcome = 'failed'")
        let failed = try await fixture.store.event("a2", of: "one")
        XCTAssertEqual(
            failed?.ending?.outcome,
            .failed(Cause(.salesforce, code: "X", message: "no", status: 400)))
    }

    func testAReplayIsANewEventOfTheSameLane() async throws {
        let fixture = try await log()
        let replayed = try await fixture.store.replay("a2", of: "one", nonce: "1")
        XCTAssertEqual(replayed?.id, "replay:1:a2")
        XCTAssertEqual(replayed?.source, .operator)
        XCTAssertEqual(replayed?.replay, ReplayOrigin(.rest, of: "a2", effectOwner: "a2"))
        let again = try await fixture.store.replay("a2", of: "one", nonce: "1")
        XCTAssertEqual(again, replayed)
        let found = try await fixture.store.event("replay:1:a2", of: "one")
        XCTAssertEqual(found?.job.sequence, 4)
        XCTAssertEqual(found?.job.event, replayed)
        let original = try await fixture.store.event("a2", of: "one")
        XCTAssertEqual(original?.ending?.outcome, .failed(cause))
        let missing = try await fixture.store.replay("zz", of: "one", nonce: "1")
        XCTAssertNil(missing)
    }

    func testDepthCountsWhatWaits() async throws {
        let fixture = try await log()
        let depth = try await fixture.store.depth()
        XCTAssertEqual(depth.map(\.connection), ["one"])
        XCTAssertEqual(depth.map(\.events), [1])
        XCTAssertEqual(depth.map(\.lanes), [1])
        XCTAssertEqual(depth.map(\.oldestDue), [.zero])
    }

    /// A reading that is asked for soon after another looks at no lane.
    func testTheDepthIsReadOnceForAll() async throws {
        let fixture = try await StoreFixture.make(for: self)
        try await fixture.append(3, to: "a")
        try await fixture.append(1, to: "b")
        try await fixture.append(1, to: "c", of: "two")
        _ = try await fixture.lease(fixture.worker(), lanes: 1)
        let first = try await fixture.store.recentDepth(ageMax: .seconds(3600))
        XCTAssertEqual(first.map(\.connection), ["one", "two"])
        XCTAssertEqual(first.map(\.events), [4, 1])
        XCTAssertEqual(first.map(\.lanes), [2, 1])
        XCTAssertEqual(first.map(\.readyLanes).reduce(0, +), 2)
        try await fixture.append(1, to: "d")
        let again = try await fixture.store.recentDepth(ageMax: .seconds(3600))
        XCTAssertEqual(again, first)
        let anew = try await fixture.store.recentDepth(ageMax: .seconds(0), share: 1)
        XCTAssertEqual(anew.map(\.events), [5, 1])
    }

    /// A reading that took a second is good for 200, however often it is asked for.
    func testASlowReadingIsKeptLonger() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.store.recentDepth()
        try await fixture.append(1, to: "a")
        func read(afterSeconds age: Double) async throws -> [Int] {
            _ = try await fixture.pool.query(
                """
                UPDATE depth_reading SET took_seconds = 1,
                    read_at = now() - \(age) * interval '1 second'
                """)
            return try await fixture.store.recentDepth(ageMax: .seconds(5)).map(\.events)
        }
        let early = try await read(afterSeconds: 190)
        XCTAssertEqual(early, [])
        let late = try await read(afterSeconds: 210)
        XCTAssertEqual(late, [1])
    }

    func testAReadingOfAClockThatWasSetBackIsNotKept() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await fixture.store.recentDepth()
        try await fixture.append(1, to: "a")
        _ = try await fixture.pool.query(
            "UPDATE depth_reading SET read_at = now() + interval '1 hour'")
        let depth = try await fixture.store.recentDepth()
        XCTAssertEqual(depth.map(\.events), [1])
    }

    func testANotificationIsReceived() async throws {
        let fixture = try await StoreFixture.make(for: self)
        var notifications = Store.notifications(from: fixture.database.address).makeAsyncIterator()
        let first = await notifications.next()
        XCTAssertEqual(first, .listening)
        try await fixture.store.notify()
        guard case .notified = await notifications.next() else { return XCTFail("not heard") }
    }
}
