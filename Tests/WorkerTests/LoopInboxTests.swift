import XCTest

@testable import Worker

final class LoopInboxTests: XCTestCase {
    func testEventsAreTakenTogetherInTheirOrder() async {
        let inbox = LoopInbox<Int>()
        for event in 1...3 { inbox.add(event) }
        let events = await inbox.takeAll()
        XCTAssertEqual(events, [1, 2, 3])
    }

    func testTakingWaitsForTheFirstEvent() async {
        let inbox = LoopInbox<Int>()
        async let taken = inbox.takeAll()
        inbox.add(7)
        let events = await taken
        XCTAssertEqual(events, [7])
    }

    func testNoEventIsLostOrTakenTwice() async {
        let inbox = LoopInbox<Int>()
        let events = await withTaskGroup(of: Void.self) { group in
            for sender in 0..<8 {
                group.addTask { for number in 0..<500 { inbox.add(sender * 500 + number) } }
            }
            var events: [Int] = []
            while events.count < 4000 { events += await inbox.takeAll() }
            return events
        }
        XCTAssertEqual(events.sorted(), Array(0..<4000))
    }

    func testACancelledReaderGetsNothing() async {
        let inbox = LoopInbox<Int>()
        let events = await withTaskGroup(of: [Int].self) { group in
            group.addTask { await inbox.takeAll() }
            group.cancelAll()
            return await group.next()
        }
        XCTAssertEqual(events, [])
    }
}
