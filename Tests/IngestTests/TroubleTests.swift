import Models
import Runtime
import XCTest

@testable import Ingest

/// Our own trouble is 503 with `Retry-After`, at once; what was accepted is never lost.
final class TroubleTests: XCTestCase {
    func testBeforeTheFirstConfigurationNobodyIsToldThatAConnectionIsUnknown() async throws {
        let ledger = FakeLedger([Fixtures.connection()])
        ledger.loseConfiguration()
        try await Door.opened(ledger, awaitingReadiness: false) { door in
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
            door.ledger.loseConfiguration()
            let answer = try await door.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 202)
        }
    }

    func testADatabaseThatIsAwayIs503AndTheSameDeliveryWorksAfterwards() async throws {
        var limits = AppendLimits()
        limits.pauseSeconds = 0
        try await Door.opened(append: limits) { door in
            door.ledger.become(.away)
            for _ in 1...3 {
                let answer = try await door.deliver(Fixtures.incidentEvent())
                XCTAssertEqual(answer.status, 503)
                XCTAssertNotNil(answer.header("Retry-After"))
            }
            door.ledger.become(.well)
            let answer = try await door.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.status, 202)
            XCTAssertEqual(door.ledger.events.count, 1)
        }
    }

    func testAFullQueueIs503AtOnceWhileTheAcceptedOnesAreCommitted() async throws {
        let (gate, entered) = (Latch(), Latch())
        var limits = AppendLimits()
        (limits.writers, limits.waitingEventsMax) = (1, 1)
        try await Door.opened(append: limits) { door in
            door.ledger.hold(until: gate, entered: entered)
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
            XCTAssertEqual(door.ledger.events.map(\.id), ["first", "second"])
        }
    }

    func testAConnectionWithTooMuchWaitingIsSentBackUntilTheWorkersCaughtUp() async throws {
        let ledger = FakeLedger([Fixtures.connection(), Fixtures.connection("other")])
        try await Door.opened(ledger, backlogEventsMax: 10) { door in
            let body = Fixtures.incidentEvent()
            ledger.pile(up: 10)
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
            ledger.pile(up: 9)
            while answer.status == 503 { answer = try await door.deliver(body) }
            XCTAssertEqual(answer.status, 202)
        }
    }

    func testADeliveryThatTheDatabaseRefusesIsKeptByTheVendor() async throws {
        try await Door.opened { door in
            door.ledger.become(.refusing("poison"))
            let answer = try await door.deliver(Fixtures.incidentEvent(id: "poison"))
            XCTAssertEqual(answer.status, 503)
            let other = try await door.deliver(Fixtures.incidentEvent(id: "other"))
            XCTAssertEqual(other.status, 202)
        }
    }

    func testAStopAnswersWhatWasReadAndCommitsIt() async throws {
        let (gate, entered) = (Latch(), Latch())
        let ledger = FakeLedger([Fixtures.connection()])
        try await Door.opened(ledger) { door in
            door.ledger.hold(until: gate, entered: entered)
            async let answer = door.deliver(Fixtures.incidentEvent())
            await entered.wait()
            door.stop.open()
            while try await door.operations.send("GET", "/readyz").status != 503 {}
            gate.open()
            let status = try await answer.status
            XCTAssertEqual(status, 202)
        }
        XCTAssertEqual(ledger.events.count, 1)
    }

    func testANewConnectionIsKnownAfterTheNextRefresh() async throws {
        try await Door.opened { door in
            door.ledger.configure([Fixtures.connection(), Fixtures.connection("second")])
            while try await door.metric("liaison_configuration_version") != "2" {}
            let answer = try await door.deliver(Fixtures.incidentEvent(), to: "second")
            XCTAssertEqual(answer.status, 202)
        }
    }

    func testWorkersArePokedAfterACommit() async throws {
        let ledger = FakeLedger([Fixtures.connection()])
        try await Door.opened(ledger) { door in
            _ = try await door.deliver(Fixtures.incidentEvent())
        }
        XCTAssertEqual(ledger.pokes, 1)
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
