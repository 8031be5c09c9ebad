import Models
import Store
import XCTest

@testable import Worker

final class LaneSlotsTests: XCTestCase {
    func testAnIdleWorkerLeasesOnceAndThenWaits() {
        var slots = LaneSlots(lanesMax: 3, settlementsMax: 8)
        XCTAssertEqual(slots.next(), .exchange(settling: [], lanesMax: 2))
        slots.leased([], asked: 2)
        XCTAssertEqual(slots.next(), .wait)
        slots.notified()
        XCTAssertEqual(slots.next(), .exchange(settling: [], lanesMax: 2))
    }

    func testAFullLeaseIsFollowedByAnotherForTheFreeSlots() {
        var slots = LaneSlots(lanesMax: 3, settlementsMax: 8)
        _ = slots.next()
        slots.leased(lanes(1...2), asked: 2)
        XCTAssertEqual(slots.next(), .exchange(settling: [], lanesMax: 1))
        slots.leased(lanes(3...3), asked: 1)
        XCTAssertEqual(slots.next(), .wait, "no slot is free")
        slots.finished([settlement(1), settlement(2)])
        XCTAssertEqual(
            slots.next(), .exchange(settling: [settlement(1), settlement(2)], lanesMax: 2))
    }

    func testSettlementsAreSentAlsoWhenNothingIsDue() {
        var slots = LaneSlots(lanesMax: 2, settlementsMax: 8)
        _ = slots.next()
        slots.leased(lanes(1...1), asked: 2)
        slots.finished([settlement(1)])
        XCTAssertEqual(slots.next(), .exchange(settling: [settlement(1)], lanesMax: 2))
        slots.leased([], asked: 2)
        XCTAssertEqual(slots.next(), .wait)
    }

    func testSettlementsOfAFailedExchangeAreSentAfterAReclaim() {
        var slots = LaneSlots(lanesMax: 2, settlementsMax: 8)
        _ = slots.next()
        slots.leased(lanes(1...2), asked: 2)
        slots.finished([settlement(1)])
        guard case .exchange(let settling, _) = slots.next() else { return XCTFail("no exchange") }
        slots.failed(settling, pause: .seconds(1))
        XCTAssertEqual(slots.next(), .pause(.seconds(1)))
        XCTAssertEqual(slots.next(), .reclaim(keeping: [fence(2), fence(1)]))
        slots.finished([settlement(2)])
        XCTAssertEqual(slots.next(), .reclaim(keeping: [fence(1), fence(2)]), "until it is done")
        slots.reclaimFailed(pause: .seconds(2))
        XCTAssertEqual(slots.next(), .pause(.seconds(2)))
        XCTAssertEqual(slots.next(), .reclaim(keeping: [fence(1), fence(2)]))
        slots.reclaimed()
        XCTAssertEqual(
            slots.next(), .exchange(settling: [settlement(1), settlement(2)], lanesMax: 2))
    }

    func testSettlementsAreBatched() {
        var slots = LaneSlots(lanesMax: 3, settlementsMax: 2)
        _ = slots.next()
        slots.leased(lanes(1...3), asked: 3)
        slots.finished([1, 2, 3].map(settlement))
        XCTAssertEqual(
            slots.next(), .exchange(settling: [settlement(1), settlement(2)], lanesMax: 2))
        slots.leased([], asked: 2)
        XCTAssertEqual(slots.next(), .exchange(settling: [settlement(3)], lanesMax: 2))
    }

    func testAConnectionGetsTwoThirdsOfWhatTheOthersLeave() {
        var slots = LaneSlots(lanesMax: 12, settlementsMax: 8)
        XCTAssertEqual(slots.room, LeaseRoom(ofOthers: 8))
        slots.leased(lanes(1...6), asked: 8)
        XCTAssertEqual(slots.room, LeaseRoom(ofConnections: ["acme": 2], ofOthers: 4))
        slots.leased(lanes(7...9, of: "globex"), asked: 4)
        XCTAssertEqual(
            slots.room, LeaseRoom(ofConnections: ["acme": 0, "globex": 1], ofOthers: 2))
        slots.finished([settlement(1), settlement(2)])
        XCTAssertEqual(
            slots.room, LeaseRoom(ofConnections: ["acme": 2, "globex": 3], ofOthers: 4),
            "a finished lane frees its slot")
    }

    /// All of them have more lanes due than there are slots, and none of them ever ends.
    func testSlotsAreLeftWhereTwentyConnectionsHang() {
        for hanging in [1, 2, 3, 5, 20] {
            var slots = LaneSlots(lanesMax: 384, settlementsMax: 8)
            let connections = (1...hanging).map { ConnectionID("hanging-\($0)") }
            var lane: Int64 = 0
            while case .exchange(_, let asked) = slots.next() {
                let room = slots.room
                let each = (asked + hanging - 1) / hanging
                let leased = connections.flatMap { connection in
                    let room = room.ofConnections[connection] ?? room.ofOthers
                    return (0..<max(0, min(room, each))).map { _ in
                        lane += 1
                        return lanes(lane...lane, of: connection)[0]
                    }
                }
                slots.leased(Array(leased.prefix(asked)), asked: asked)
            }
            XCTAssertGreaterThan(slots.room.ofOthers, 0, "\(hanging) hang")
        }
    }

    func testAStoppedWorkerLeasesNoMoreAndEndsWhenAllIsSettled() {
        var slots = LaneSlots(lanesMax: 2, settlementsMax: 8)
        _ = slots.next()
        slots.leased(lanes(1...2), asked: 2)
        slots.stop()
        XCTAssertEqual(slots.next(), .wait)
        slots.finished([settlement(1)])
        XCTAssertEqual(slots.next(), .exchange(settling: [settlement(1)], lanesMax: 0))
        slots.leased([], asked: 0)
        XCTAssertEqual(slots.next(), .wait, "one lane is still in flight")
        slots.finished([settlement(2)])
        XCTAssertEqual(slots.next(), .exchange(settling: [settlement(2)], lanesMax: 0))
        slots.leased([], asked: 0)
        XCTAssertEqual(slots.next(), .finish)
    }

    private func fence(_ lane: Int64) -> Fence { Fence(lane: LaneID(lane), epoch: 1) }
    private func lanes(
        _ ids: ClosedRange<Int64>, of connection: ConnectionID = "acme"
    ) -> [LeasedLane] {
        ids.map {
            LeasedLane(
                id: LaneID($0), connection: connection, key: LaneKey("\($0)"), epoch: 1, attempt: 1,
                jobs: [])
        }
    }

    private func settlement(_ lane: Int64) -> LaneSettlement {
        LaneSettlement(fence: fence(lane), settlements: [], next: .proceed)
    }
}
