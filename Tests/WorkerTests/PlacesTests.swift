import Models
import XCTest

@testable import Worker

final class PlacesTests: XCTestCase {
    func testAnIdleWorkerAsksOnceAndThenWaits() {
        var places = Places(lanesMax: 4, settlementsMax: 8)
        XCTAssertEqual(places.next(), .exchange(settling: [], lanesMax: 4))
        places.leased([], asked: 4)
        XCTAssertEqual(places.next(), .wait)
        places.poked()
        XCTAssertEqual(places.next(), .exchange(settling: [], lanesMax: 4))
    }

    func testFullLeaseIsFollowedByAnotherForTheFreePlacesOnly() {
        var places = Places(lanesMax: 4, settlementsMax: 8)
        _ = places.next()
        places.leased(lanes(4), asked: 4)
        XCTAssertEqual(places.next(), .wait, "no place is free")
        places.finished([settlement(1), settlement(2)])
        XCTAssertEqual(
            places.next(), .exchange(settling: [settlement(1), settlement(2)], lanesMax: 2))
    }

    func testSettlementsTravelEvenWhenNothingIsDue() {
        var places = Places(lanesMax: 2, settlementsMax: 8)
        _ = places.next()
        places.leased(lanes(1), asked: 2)
        places.finished([settlement(1)])
        XCTAssertEqual(places.next(), .exchange(settling: [settlement(1)], lanesMax: 2))
        places.leased([], asked: 2)
        XCTAssertEqual(places.next(), .wait)
    }

    func testAFailedExchangeOwesItsSettlements() {
        var places = Places(lanesMax: 2, settlementsMax: 8)
        _ = places.next()
        places.leased(lanes(2), asked: 2)
        places.finished([settlement(1)])
        guard case .exchange(let settling, _) = places.next() else { return XCTFail("no exchange") }
        places.failed(settling)
        XCTAssertEqual(places.next(), .reclaim(keeping: [fence(2), fence(1)]))
        places.finished([settlement(2)])
        XCTAssertEqual(places.next(), .reclaim(keeping: [fence(1), fence(2)]), "until it is done")
        places.reclaimed()
        XCTAssertEqual(
            places.next(), .exchange(settling: [settlement(1), settlement(2)], lanesMax: 2))
    }

    func testSettlementsAreBatched() {
        var places = Places(lanesMax: 3, settlementsMax: 2)
        _ = places.next()
        places.leased(lanes(3), asked: 3)
        places.finished([1, 2, 3].map(settlement))
        XCTAssertEqual(
            places.next(), .exchange(settling: [settlement(1), settlement(2)], lanesMax: 3))
        places.leased([], asked: 3)
        XCTAssertEqual(places.next(), .exchange(settling: [settlement(3)], lanesMax: 3))
    }

    func testItKnowsWhoseLanesAreWorkedOn() {
        var places = Places(lanesMax: 4, settlementsMax: 8)
        _ = places.next()
        XCTAssertEqual(places.lanesHeld, [:])
        places.leased(lanes(3), asked: 4)
        XCTAssertEqual(places.lanesHeld, ["acme": 3])
        places.finished([settlement(2)])
        XCTAssertEqual(places.lanesHeld, ["acme": 2], "what is settled makes room")
    }

    func testStoppingLeasesNoMoreAndEndsWhenAllIsSettled() {
        var places = Places(lanesMax: 2, settlementsMax: 8)
        _ = places.next()
        places.leased(lanes(2), asked: 2)
        places.stop()
        XCTAssertEqual(places.next(), .wait)
        places.finished([settlement(1)])
        XCTAssertEqual(places.next(), .exchange(settling: [settlement(1)], lanesMax: 0))
        places.leased([], asked: 0)
        XCTAssertEqual(places.next(), .wait, "one lane is in flight still")
        places.finished([settlement(2)])
        XCTAssertEqual(places.next(), .exchange(settling: [settlement(2)], lanesMax: 0))
        places.leased([], asked: 0)
        XCTAssertEqual(places.next(), .finished)
    }

    private func fence(_ lane: Int64) -> Fence { Fence(lane: lane, epoch: 1) }
    private func lanes(_ count: Int64, of connection: ConnectionID = "acme") -> [LeasedLane] {
        (1...count).map {
            LeasedLane(
                id: $0, connection: connection, key: LaneKey("\($0)"), epoch: 1, attempt: 1,
                jobs: [])
        }
    }

    private func settlement(_ lane: Int64) -> LaneSettlement {
        LaneSettlement(fence: fence(lane), settlements: [], next: .proceed)
    }
}
