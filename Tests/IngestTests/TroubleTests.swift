import Models
import Runtime
import XCTest

@testable import Ingest

/// Our own trouble is 503 with `Retry-After`, at once; what was accepted is never lost.
final class TroubleTests: XCTestCase {
    func testBeforeTheFirstConfigurationNobodyIsToldThatAConnectionIsUnknown() async throws {
        let store = FakeIngestStore([Fixtures.connection()])
        store.loseConfiguration()
        try await Door.opened(store, awaitingReadiness: false) { door in
            let answer = try await door.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 503)
            XCTAssertNotNil(answer.header("Retry-After"))
            let ready = try await door.operations.send("GET", "/readyz")
            XCTAssertEqual(ready.status, 503)
            let alive = try await door.operations.send("GET", "/healthz")
            XCTAssertEqual(alive.status, 200)
        }
    }

    func testTheLastGoodConfigurationStaysWhenTheDatabaseGoes() async throws {
        try await Door.opened { door in
            door.store.loseConfiguration()
            let answer = try await door.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 202)
        }
    }

    func testADatabaseThatIsAwayIs503AndTheSameDeliveryWorksAfterwards() async throws {
        var limits = AppendLimits()
        limits.retryPause = .zero
        try await Door.opened(append: limits) { door in
            door.store.become(.away)
            for _ in 1...3 {
                let answer = try await door.deliver(Fixtures.incidentEvent())
                XCTAssertEqual(answer.status, 503)
                XCTAssertNotNil(answer.header("Retry-After"))
            }
            door.store.become(.well)
            let answer = try await door.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 202)
            XCTAssertEqual(door.store.events.count, 1)
        }
    }

    func testAFullQueueIs503AtOnceWhileTheAcceptedOnesAreCommitted() async throws {
        let (gate, entered) = (Latch(), Latch())
        var limits = AppendLimits()
        (limits.writers, limits.waitingEventsMax) = (1, 1)
        try await Door.opened(append: limits) { door in
            door.store.hold(until: gate, entered: entered)
            async let first = door.deliver(Fixtures.incidentEvent(id: "first"))
            await entered.wait()
            async let second = door.deliver(Fixtures.incidentEvent(id: "second"))
            while try await door.metric("liaison_append_waiting_events") != "1" {}
            let third = try await door.deliver(Fixtures.incidentEvent(id: "third"))
            XCTAssertEqual(third.status, 503)
            XCTAssertNotNil(third.header("Retry-After"))
            gate.open()
            let statuses = try await [first.status, second.status]
            XCTAssertEqual(statuses, [202, 202])
            XCTAssertEqual(door.store.events.map(\.id), ["first", "second"])
        }
    }

    func testAConnectionWithTooMuchWaitingIsSentBackUntilTheWorkersCaughtUp() async throws {
        let store = FakeIngestStore([Fixtures.connection(), Fixtures.connection("other")])
        let lines = LogLines()
        try await Door.opened(store, backlogEventsMax: 10, log: lines.sink) { door in
            let body = Fixtures.incidentEvent()
            store.pile(up: 10)
            var answer = try await door.deliver(body)
            while answer.status == 202 { answer = try await door.deliver(body) }
            XCTAssertEqual(answer.status, 503)
            XCTAssertNotNil(answer.header("Retry-After"))
            XCTAssertTrue(answer.body.contains("wait to be worked on"), answer.body)
            let counted = try await door.metric(
                "liaison_requests_turned_away_total{result=\"backlogged\"}")
            XCTAssertEqual(counted, "1")
            let other = try await door.deliver(body, to: "other")
            XCTAssertEqual(other.status, 202)
            store.pile(up: 9)
            while answer.status == 503 { answer = try await door.deliver(body) }
            XCTAssertEqual(answer.status, 202)
        }
        XCTAssertEqual(lines.containing("turned away"), [], "they come in storms")
    }

    func testADeliveryThatTheDatabaseRefusesIsKeptByTheVendor() async throws {
        try await Door.opened { door in
            door.store.become(.refusing("poison"))
            let answer = try await door.deliver(Fixtures.incidentEvent(id: "poison"))
            XCTAssertEqual(answer.status, 503)
            let other = try await door.deliver(Fixtures.incidentEvent(id: "other"))
            XCTAssertEqual(other.status, 202)
        }
    }

    func testAStopAnswersWhatWasReadAndCommitsIt() async throws {
        let (gate, entered) = (Latch(), Latch())
        let store = FakeIngestStore([Fixtures.connection()])
        try await Door.opened(store) { door in
            door.store.hold(until: gate, entered: entered)
            async let answer = door.deliver(Fixtures.incidentEvent())
            await entered.wait()
            door.stop.open()
            while try await door.operations.send("GET", "/readyz").status != 503 {}
            gate.open()
            let status = try await answer.status
            XCTAssertEqual(status, 202)
        }
        XCTAssertEqual(store.events.count, 1)
    }

    func testANewConnectionIsKnownAfterTheNextRefresh() async throws {
        try await Door.opened { door in
            door.store.configure([Fixtures.connection(), Fixtures.connection("second")])
            while try await door.metric("liaison_configuration_version") != "2" {}
            let answer = try await door.deliver(Fixtures.incidentEvent(), to: "second")
            XCTAssertEqual(answer.status, 202)
        }
    }

    /// It is ours to mend, so its deliveries are kept by the vendor; what was read before is good.
    func testAConnectionThatCannotBeReadKeepsNoOtherOut() async throws {
        let store = FakeIngestStore()
        store.configure([Fixtures.connection("other")], unreadable: ["acme": "no"])
        try await Door.opened(store) { door in
            let body = Fixtures.incidentEvent()
            for (connection, status) in [("acme", 503), ("other", 202), ("nobody", 404)] {
                let answer = try await door.deliver(body, to: connection)
                XCTAssertEqual(answer.status, status, connection)
            }
            store.configure([Fixtures.connection()], unreadable: ["other": "no"])
            while try await door.deliver(body).status != 202 {}
            let answer = try await door.deliver(body, to: "other")
            XCTAssertEqual(answer.status, 202)
        }
    }

    func testWorkersAreNotifiedAfterACommit() async throws {
        let store = FakeIngestStore([Fixtures.connection()])
        try await Door.opened(store) { door in
            _ = try await door.deliver(Fixtures.incidentEvent())
        }
        XCTAssertEqual(store.notifications, 1)
    }

    func testTheOperationsPortServesNothingElse() async throws {
        try await Door.opened { door in
            for (method, path, status) in [
                ("GET", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/metrics", 200),
                ("POST", "/metrics", 405), ("GET", "/", 404), ("GET", "/pagerduty/acme", 404),
            ] {
                let answer = try await door.operations.send(method, path)
                XCTAssertEqual(answer.status, status, path)
            }
        }
    }
}
