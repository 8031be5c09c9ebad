import Models
import Store
import XCTest

@testable import Worker

final class PlacesTests: XCTestCase {
    func testAnIdleWorkerAsksOnceAndThenWaits() {
        var places = Places(lanesMax: 3, settlementsMax: 8)
        XCTAssertEqual(places.next(), .exchange(settling: [], lanesMax: 2))
        places.leased([], asked: 2)
        XCTAssertEqual(places.next(), .wait)
        places.poked()
        XCTAssertEqual(places.next(), .exchange(settling: [], lanesMax: 2))
    }

    func testFullLeaseIsFollowedByAnotherForTheFreePlacesOnly() {
        var places = Places(lanesMax: 3, settlementsMax: 8)
        _ = places.next()
        places.leased(lanes(1...2), asked: 2)
        XCTAssertEqual(places.next(), .exchange(settling: [], lanesMax: 1))
        places.leased(lanes(3...3), asked: 1)
        XCTAssertEqual(places.next(), .wait, "no place is free")
        places.finished([settlement(1), settlement(2)])
        XCTAssertEqual(
            places.next(), .exchange(settling: [settlement(1), settlement(2)], lanesMax: 2))
    }

    func testSettlementsTravelEvenWhenNothingIsDue() {
        var places = Places(lanesMax: 2, settlementsMax: 8)
        _ = places.next()
        places.leased(lanes(1...1), asked: 2)
        places.finished([settlement(1)])
        XCTAssertEqual(places.next(), .exchange(settling: [settlement(1)], lanesMax: 2))
        places.leased([], asked: 2)
        XCTAssertEqual(places.next(), .wait)
    }

    func testAFailedExchangeOwesItsSettlements() {
        var places = Places(lanesMax: 2, settlementsMax: 8)
        _ = places.next()
        places.leased(lanes(1...2), asked: 2)
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
        places.leased(lanes(1...3), asked: 3)
        places.finished([1, 2, 3].map(settlement))
        XCTAssertEqual(
            places.next(), .exchange(settling: [settlement(1), settlement(2)], lanesMax: 2))
        places.leased([], asked: 2)
        XCTAssertEqual(places.next(), .exchange(settling: [settlement(3)], lanesMax: 2))
    }

    func testAConnectionGetsTwoThirdsOfWhatTheOthersLeave() {
        var places = Places(lanesMax: 12, settlementsMax: 8)
        XCTAssertEqual(places.room, LeaseRoom(ofOthers: 8))
        places.leased(lanes(1...6), asked: 8)
        XCTAssertEqual(places.room, LeaseRoom(ofConnections: ["acme": 2], ofOthers: 4))
        places.leased(lanes(7...9, of: "globex"), asked: 4)
        XCTAssertEqual(
            places.room, LeaseRoom(ofConnections: ["acme": 0, "globex": 1], ofOthers: 2))
        places.finished([settlement(1), settlement(2)])
        XCTAssertEqual(
            places.room, LeaseRoom(ofConnections: ["acme": 2, "globex": 3], ofOthers: 4),
            "what is settled makes room")
    }

    /// All of them have more lanes due than there are places, and none of them ever ends.
    func testWhereTwentyConnectionsHangSomePlacesAreLeft() {
        for hanging in [1, 2, 3, 5, 20] {
            var places = Places(lanesMax: 384, settlementsMax: 8)
            let connections = (1...hanging).map { ConnectionID("hanging-\($0)") }
            var lane: Int64 = 0
            while case .exchange(_, let asked) = places.next() {
                let room = places.room
                let each = (asked + hanging - 1) / hanging
                let leased = connections.flatMap { connection in
                    let room = room.ofConnections[connection] ?? room.ofOthers
                    return (0..<max(0, min(room, each))).map { _ in
                        lane += 1
                        return lanes(lane...lane, of: connection)[0]
                    }
                }
                places.leased(Array(leased.prefix(asked)), asked: asked)
            }
            XCTAssertGreaterThan(places.room.ofOthers, 0, "\(hanging) hang")
        }
    }

    func testStoppingLeasesNoMoreAndEndsWhenAllIsSettled() {
        var places = Places(lanesMax: 2, settlementsMax: 8)
        _ = places.next()
        places.leased(lanes(1...2), asked: 2)
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
    private func lanes(
        _ ids: ClosedRange<Int64>, of connection: ConnectionID = "acme"
    ) -> [LeasedLane] {
        ids.map {
            LeasedLane(
                id: $0, connection: connection, key: LaneKey("\($0)"), epoch: 1, attempt: 1,
                jobs: [])
        }
    }

    private func settlement(_ lane: Int64) -> LaneSettlement {
        LaneSettlement(fence: fence(lane), settlements: [], next: .proceed)
    }
}
