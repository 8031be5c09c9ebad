import Models
import Runtime
import XCTest

@testable import Ingest

/// Our own trouble is 503 with `Retry-After`, at once; what was accepted is never lost.
final class TroubleTests: XCTestCase {
    func testBeforeTheFirstConfigurationEveryDeliveryIsAnswered503() async throws {
        let store = FakeIngestStore([Fixtures.connection()])
        store.loseConfiguration()
        try await TestIngest.running(store, awaitingReadiness: false) { ingest in
            let answer = try await ingest.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 503)
            XCTAssertNotNil(answer.header("Retry-After"))
            let ready = try await ingest.operations.send("GET", "/readyz")
            XCTAssertEqual(ready.status, 503)
            let alive = try await ingest.operations.send("GET", "/healthz")
            XCTAssertEqual(alive.status, 200)
        }
    }

    func testTheLastGoodConfigurationStaysWhileTheDatabaseIsAway() async throws {
        try await TestIngest.running { ingest in
            ingest.store.loseConfiguration()
            let answer = try await ingest.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 202)
        }
    }

    func testADatabaseThatIsAwayIs503AndTheSameDeliveryWorksAfterwards() async throws {
        var limits = AppendLimits()
        limits.retryPause = .zero
        try await TestIngest.running(append: limits) { ingest in
            ingest.store.become(.away)
            for _ in 1...3 {
                let answer = try await ingest.deliver(Fixtures.incidentEvent())
                XCTAssertEqual(answer.status, 503)
                XCTAssertNotNil(answer.header("Retry-After"))
            }
            ingest.store.become(.available)
            let answer = try await ingest.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 202)
            XCTAssertEqual(ingest.store.events.count, 1)
        }
    }

    func testAFullQueueIs503AtOnceWhileTheAcceptedOnesAreCommitted() async throws {
        let (gate, entered) = (Latch(), Latch())
        var limits = AppendLimits()
        (limits.writers, limits.waitingEventsMax) = (1, 1)
        try await TestIngest.running(append: limits) { ingest in
            ingest.store.hold(until: gate, entered: entered)
            async let first = ingest.deliver(Fixtures.incidentEvent(id: "first"))
            await entered.wait()
            async let second = ingest.deliver(Fixtures.incidentEvent(id: "second"))
            while try await ingest.metric("liaison_append_waiting_events") != "1" {}
            let third = try await ingest.deliver(Fixtures.incidentEvent(id: "third"))
            XCTAssertEqual(third.status, 503)
            XCTAssertNotNil(third.header("Retry-After"))
            gate.open()
            let statuses = try await [first.status, second.status]
            XCTAssertEqual(statuses, [202, 202])
            XCTAssertEqual(ingest.store.events.map(\.id), ["first", "second"])
        }
    }

    func testDeliveriesOfABackloggedConnectionAreRefusedUntilTheWorkersCatchUp() async throws {
        let store = FakeIngestStore([Fixtures.connection(), Fixtures.connection("other")])
        let lines = LogLines()
        try await TestIngest.running(store, backlogEventsMax: 10, log: lines.sink) { ingest in
            let body = Fixtures.incidentEvent()
            store.setWaiting(10)
            var answer = try await ingest.deliver(body)
            while answer.status == 202 { answer = try await ingest.deliver(body) }
            XCTAssertEqual(answer.status, 503)
            XCTAssertNotNil(answer.header("Retry-After"))
            XCTAssertTrue(answer.body.contains("wait for the workers"), answer.body)
            let counted = try await ingest.metric(
                "liaison_requests_turned_away_total{result=\"backlogged\"}")
            XCTAssertEqual(counted, "1")
            let other = try await ingest.deliver(body, to: "other")
            XCTAssertEqual(other.status, 202)
            store.setWaiting(9)
            while answer.status == 503 { answer = try await ingest.deliver(body) }
            XCTAssertEqual(answer.status, 202)
        }
        XCTAssertEqual(lines.containing("turned away"), [], "they come in storms")
    }

    func testADeliveryThatTheDatabaseRefusesIsKeptByTheVendor() async throws {
        try await TestIngest.running { ingest in
            ingest.store.become(.refusing("poison"))
            let answer = try await ingest.deliver(Fixtures.incidentEvent(id: "poison"))
            XCTAssertEqual(answer.status, 503)
            let other = try await ingest.deliver(Fixtures.incidentEvent(id: "other"))
            XCTAssertEqual(other.status, 202)
        }
    }

    func testAStopAnswersWhatWasReadAndCommitsIt() async throws {
        let (gate, entered) = (Latch(), Latch())
        let store = FakeIngestStore([Fixtures.connection()])
        try await TestIngest.running(store) { ingest in
            ingest.store.hold(until: gate, entered: entered)
            async let answer = ingest.deliver(Fixtures.incidentEvent())
            await entered.wait()
            ingest.stop.open()
            while try await ingest.operations.send("GET", "/readyz").status != 503 {}
            gate.open()
            let status = try await answer.status
            XCTAssertEqual(status, 202)
        }
        XCTAssertEqual(store.events.count, 1)
    }

    func testANewConnectionIsKnownAfterTheNextRefresh() async throws {
        try await TestIngest.running { ingest in
            ingest.store.configure([Fixtures.connection(), Fixtures.connection("second")])
            while try await ingest.metric("liaison_configuration_version") != "2" {}
            let answer = try await ingest.deliver(Fixtures.incidentEvent(), to: "second")
            XCTAssertEqual(answer.status, 202)
        }
    }

    /// Its deliveries are answered 503, so that the vendor keeps them; the copy read before stays
    /// in use.
    func testAConnectionThatCannotBeReadDoesNotAffectOthers() async throws {
        let store = FakeIngestStore()
        store.configure([Fixtures.connection("other")], unreadable: ["acme": "no"])
        try await TestIngest.running(store) { ingest in
            let body = Fixtures.incidentEvent()
            for (connection, status) in [("acme", 503), ("other", 202), ("unknown", 404)] {
                let answer = try await ingest.deliver(body, to: connection)
                XCTAssertEqual(answer.status, status, connection)
            }
            store.configure([Fixtures.connection()], unreadable: ["other": "no"])
            while try await ingest.deliver(body).status != 202 {}
            let answer = try await ingest.deliver(body, to: "other")
            XCTAssertEqual(answer.status, 202)
        }
    }

    func testWorkersAreNotifiedAfterACommit() async throws {
        let store = FakeIngestStore([Fixtures.connection()])
        try await TestIngest.running(store) { ingest in
            _ = try await ingest.deliver(Fixtures.incidentEvent())
        }
        XCTAssertEqual(store.notifications, 1)
    }

    func testTheOperationsPortServesNothingElse() async throws {
        try await TestIngest.running { ingest in
            for (method, path, status) in [
                ("GET", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/metrics", 200),
                ("POST", "/metrics", 405), ("GET", "/", 404), ("GET", "/pagerduty/acme", 404),
            ] {
                let answer = try await ingest.operations.send(method, path)
                XCTAssertEqual(answer.status, status, path)
            }
        }
    }
}
