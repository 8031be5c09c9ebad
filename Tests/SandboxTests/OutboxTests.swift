import HTTP
import Models
import XCTest

@testable import Sandbox

final class OutboxTests: XCTestCase {
    private var outbox = Outbox(retryPauseFirst: .seconds(1), retryPauseMax: .seconds(4), after: 0)
    private var now = Timestamp(seconds: 1_000)

    override func setUp() {
        outbox = Outbox(retryPauseFirst: .seconds(1), retryPauseMax: .seconds(4), after: 0)
        now = Timestamp(seconds: 1_000)
    }

    private func add(_ lane: String, to subscriber: Subscriber = .subscription("P1")) -> Int {
        let delivery = NewDelivery(
            subscriber: subscriber, lane: lane, url: "http://h/",
            content: .ready(headers: [:], body: []), deadline: .seconds(5), about: lane)
        return outbox.add(delivery, at: now)
    }

    func testALaneIsClosedWhileItsFirstIsOnTheWay() throws {
        let (a1, a2, b1) = (add("a"), add("a"), add("b"))
        let first = try XCTUnwrap(outbox.take(at: now))
        XCTAssertEqual(first.id, a1)
        XCTAssertEqual(outbox.take(at: now)?.id, b1)
        XCTAssertNil(outbox.take(at: now))
        XCTAssertEqual(outbox.settle(first, .delivered, at: now), .delivered)
        XCTAssertEqual(outbox.take(at: now)?.id, a2)
    }

    func testPausesDoubleUpToTheLimit() throws {
        _ = add("a")
        for pause in [1.0, 2, 4, 4] {
            let entry = try XCTUnwrap(outbox.take(at: now))
            XCTAssertEqual(outbox.settle(entry, .retry, at: now), .repeated)
            XCTAssertEqual(outbox.nextDue, now.advanced(by: .seconds(pause)))
            XCTAssertNil(outbox.take(at: now.advanced(by: .seconds(pause - 0.5))))
            now = now.advanced(by: .seconds(pause))
        }
    }

    func testForgettingASubscriberKeepsWhatIsOnItsWay() throws {
        let first = add("a")
        _ = add("a")
        _ = add("b")
        let other = add("c", to: .subscription("P2"))
        let onItsWay = try XCTUnwrap(outbox.take(at: now))
        XCTAssertEqual(onItsWay.id, first)
        outbox.removeAll(for: .subscription("P1"))
        XCTAssertEqual(outbox.count, 2)
        XCTAssertEqual(outbox.take(at: now)?.id, other)
        XCTAssertEqual(outbox.settle(onItsWay, .delivered, at: now), .delivered)
        XCTAssertNil(outbox.take(at: now))
    }

    func testAtMostSoManyAreOnTheirWay() {
        for lane in 0...Outbox.inFlightMax { _ = add("\(lane)") }
        var taken = 0
        while outbox.take(at: now) != nil { taken += 1 }
        XCTAssertEqual(taken, Outbox.inFlightMax)
    }

    func testVerdicts() {
        func check(
            _ status: Int, _ subscriber: Subscriber, _ expected: DeliveryVerdict,
            body: String = "", line: UInt = #line
        ) {
            let response = HTTPResponse(status: status, body: Array(body.utf8))
            XCTAssertEqual(
                DeliveryVerdict.of(.answered(response), for: subscriber), expected, line: line)
        }
        let webhooks: [Subscriber] = [.subscription("P"), .v2Extension("P"), .apex(0)]
        for subscriber in webhooks {
            check(200, subscriber, .delivered)
            check(202, subscriber, .delivered)
            check(302, subscriber, .dropped)
            check(400, subscriber, .dropped)
            check(429, subscriber, .retry)
            check(503, subscriber, .retry)
            XCTAssertEqual(DeliveryVerdict.of(.noAnswer("timeout"), for: subscriber), .retry)
        }
        let soap = Subscriber.outboundMessage(0)
        check(200, soap, .retry)
        check(200, soap, .delivered, body: "<n:Ack> true </n:Ack>")
        check(200, soap, .retry, body: "<Ack>false</Ack>")
        check(401, soap, .retry)
    }
}
