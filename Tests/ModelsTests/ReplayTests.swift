import Models
import XCTest

final class ReplayTests: XCTestCase {
    /// Each row replays the event of the row before it, from an event that no operator made.
    func testAReplaySaysWhatItRepeatsAndWhoseEffectsCount() {
        let original = Event(
            id: "e", connection: "one", source: .pagerDuty, kind: .ping,
            occurredAt: Timestamp(seconds: 0), lane: .connection, format: .pagerDutyV3, payload: [])
        XCTAssertNil(original.replay)
        XCTAssertEqual(original.effectOwner, "e")
        let rows: [(ReplayScope, id: EventID, effectOwner: EventID)] = [
            (.rest, "replay:1:e", "e"),
            (.rest, "replay:2:replay:1:e", "e"),
            (.all, "repeat:3:replay:2:replay:1:e", "repeat:3:replay:2:replay:1:e"),
            (
                .rest, "replay:4:repeat:3:replay:2:replay:1:e", "repeat:3:replay:2:replay:1:e"
            ),
        ]
        var event = original
        for (number, row) in rows.enumerated() {
            let replay = event.replayed(row.0, nonce: "\(number + 1)")
            XCTAssertEqual(replay.id, row.id)
            XCTAssertEqual(replay.source, .operator)
            XCTAssertEqual(
                replay.replay, ReplayOrigin(row.0, of: event.id, effectOwner: row.effectOwner))
            XCTAssertEqual(replay.effectOwner, row.effectOwner)
            XCTAssert(replay.isReplay(of: event.id))
            XCTAssertFalse(replay.isReplay(of: replay.id))
            event = replay
        }
    }

    /// An id alone says nothing: a vendor may choose such a one.
    func testAnIDThatLooksLikeAReplayIsNone() {
        let event = Event(
            id: "replay:1:e", connection: "one", source: .operator, kind: .ping,
            occurredAt: Timestamp(seconds: 0), lane: .connection, format: .pagerDutyV3, payload: [])
        XCTAssertEqual(event.effectOwner, event.id)
        XCTAssertFalse(event.isReplay(of: "e"))
    }
}
