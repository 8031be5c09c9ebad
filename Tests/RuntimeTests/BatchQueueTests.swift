import Runtime
import XCTest

final class BatchQueueTests: XCTestCase {
    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        start.advanced(by: .milliseconds(milliseconds))
    }

    func testARequestAloneStartsACallAtOnce() {
        var queue = BatchQueue<String>(limits: BatchLimits(sizeMax: BatchSize(count: 3)))
        XCTAssertEqual(queue.add("a", at: at(0)), .start)
        XCTAssertEqual(queue.add("b", at: at(0)), .none)
        let taken = queue.take(at: at(1))
        XCTAssertEqual(taken.batch, ["a", "b"])
        XCTAssertEqual(taken.signal, .none)
        XCTAssertEqual(queue.callsUnderWay, 1)
    }

    func testRequestsThatArriveDuringACallTravelTogetherInTheNext() {
        var queue = BatchQueue<Int>(limits: BatchLimits(sizeMax: BatchSize(count: 3)))
        _ = queue.add(0, at: at(0))
        let first = queue.take(at: at(0))
        for number in 1...4 { XCTAssertEqual(queue.add(number, at: at(1)), .none) }
        XCTAssertEqual(queue.end(first.size, at: at(2)), .start)
        let second = queue.take(at: at(2))
        XCTAssertEqual(second.batch, [1, 2, 3])
        XCTAssertEqual(queue.end(second.size, at: at(3)), .start)
        XCTAssertEqual(queue.take(at: at(3)).batch, [4])
        XCTAssertTrue(queue.isEmpty)
    }

    func testABatchKeepsItsLimitsAndTheOrderOfArrival() {
        let rows: [(sizes: [(count: Int, bytes: Int)], expected: [[Int]])] = [
            ([(4, 0), (4, 0), (4, 0), (12, 0), (1, 0), (1, 0)], [[0, 1], [2], [3], [4, 5]]),
            ([(1, 60), (1, 50), (1, 40), (1, 200), (1, 1)], [[0], [1, 2], [3], [4]]),
            // The small request does not overtake the one that does not fit.
            ([(6, 0), (8, 0), (1, 0)], [[0], [1, 2]]),
        ]
        for row in rows {
            var queue = BatchQueue<Int>(
                limits: BatchLimits(sizeMax: BatchSize(count: 10, bytes: 100)))
            for (number, size) in row.sizes.enumerated() {
                _ = queue.add(
                    number, size: BatchSize(count: size.count, bytes: size.bytes), at: at(0))
            }
            XCTAssertEqual(batches(&queue), row.expected)
            XCTAssertEqual(queue.waitingSize, .zero)
        }
    }

    func testOnlyCompatibleRequestsTravelTogetherAndTheOthersKeepTheirOrder() {
        let rows: [(requests: [(group: String, identity: String)], expected: [[Int]])] = [
            ([("x", "a"), ("y", "b"), ("x", "c"), ("y", "d")], [[0, 2], [1, 3]]),
            ([("x", "a"), ("x", "a"), ("x", "b"), ("x", "a")], [[0, 2], [1], [3]]),
            // The later request of "b" does not overtake the one that was left behind.
            ([("x", "a"), ("y", "b"), ("x", "b"), ("x", "c")], [[0, 3], [1], [2]]),
        ]
        for row in rows {
            var queue = BatchQueue<Int>(limits: BatchLimits(sizeMax: BatchSize(count: 10)))
            for (number, request) in row.requests.enumerated() {
                _ = queue.add(
                    number, group: request.group, identity: request.identity, at: at(0))
            }
            XCTAssertEqual(batches(&queue), row.expected)
        }
    }

    func testBesideACallFewRequestsWaitUntilTheyAreAsManyOrLingerEnds() {
        let limits = BatchLimits(
            sizeMax: BatchSize(count: 10), callsMax: 2, lingerMax: .milliseconds(20))
        var queue = BatchQueue<String>(limits: limits)
        _ = queue.add("first", size: BatchSize(count: 3), at: at(0))
        let first = queue.take(at: at(0))
        XCTAssertEqual(queue.add("few", at: at(5)), .checkAgain(after: .milliseconds(20)))
        XCTAssertEqual(queue.add("more", at: at(10)), .none)
        XCTAssertEqual(queue.take(at: at(12)).batch, [])
        XCTAssertEqual(queue.add("enough", at: at(15)), .start)
        let second = queue.take(at: at(15))
        XCTAssertEqual(second.batch, ["few", "more", "enough"])
        // The check that was asked for finds nothing.
        XCTAssertEqual(queue.check(at: at(25)), .none)
        XCTAssertEqual(queue.end(second.size, at: at(30)), .none)
        XCTAssertEqual(queue.add("late", at: at(30)), .checkAgain(after: .milliseconds(20)))
        XCTAssertEqual(queue.check(at: at(50)), .start)
        XCTAssertEqual(queue.take(at: at(50)).batch, ["late"])
        XCTAssertEqual(queue.callsUnderWay, 2)
        XCTAssertEqual(queue.end(first.size, at: at(51)), .none)
    }

    func testNoMoreThanTheAllowedCallsAreUnderWay() {
        let limits = BatchLimits(sizeMax: BatchSize(count: 1), callsMax: 2)
        var queue = BatchQueue<Int>(limits: limits)
        for number in 0..<3 { _ = queue.add(number, at: at(0)) }
        let first = queue.take(at: at(0))
        XCTAssertEqual(first.signal, .start)
        XCTAssertEqual(queue.take(at: at(0)).batch, [1])
        XCTAssertEqual(queue.take(at: at(0)).batch, [])
        XCTAssertEqual(queue.take(after: first.size, at: at(1)).batch, [2])
    }

    func testACallWaitsForTheRequestsThatWereAnnouncedBeforeIt() {
        let limits = BatchLimits(sizeMax: BatchSize(count: 3), gatherMax: .seconds(1))
        // Each row ends the wait in another way.
        let ends: [(inout BatchQueue<Int>, [BatchAnnouncement]) -> BatchSignal] = [
            { queue, announced in
                XCTAssertEqual(queue.withdraw(announced[0], at: self.at(100)), .none)
                return queue.add(1, announcement: announced[1], at: self.at(200))
            },
            { queue, announced in
                XCTAssertEqual(queue.add(1, announcement: announced[0], at: self.at(1)), .none)
                return queue.add(2, at: self.at(2))
            },
            { queue, _ in
                XCTAssertEqual(queue.check(at: self.at(500)), .none)
                return queue.check(at: self.at(1000))
            },
        ]
        for end in ends {
            var queue = BatchQueue<Int>(limits: limits)
            let announced = [queue.announce(), queue.announce()]
            XCTAssertEqual(queue.add(0, at: at(0)), .checkAgain(after: .seconds(1)))
            // A later announcement does not prolong the wait.
            _ = queue.announce()
            XCTAssertEqual(queue.take(at: at(0)).batch, [])
            XCTAssertEqual(end(&queue, announced), .start)
            XCTAssertEqual(queue.take(at: at(1001)).batch.first, 0)
        }
    }

    func testADrainingQueueLetsNoRequestWait() {
        let limits = BatchLimits(
            sizeMax: BatchSize(count: 10), callsMax: 2, lingerMax: .seconds(3600))
        var queue = BatchQueue<String>(limits: limits)
        _ = queue.add("first", size: BatchSize(count: 5), at: at(0))
        _ = queue.take(at: at(0))
        _ = queue.add("few", at: at(1))
        XCTAssertEqual(queue.drain(at: at(2)), .start)
        XCTAssertEqual(queue.take(at: at(2)).batch, ["few"])
    }

    func testRemovedRequestsAreInNoBatch() {
        var queue = BatchQueue<Int>(limits: BatchLimits(sizeMax: BatchSize(count: 10)))
        _ = queue.add(0, at: at(0))
        _ = queue.add(1, at: at(0))
        XCTAssertEqual(queue.removeAll(), [0, 1])
        XCTAssertEqual(queue.take(at: at(0)).batch, [])
        XCTAssertEqual(queue.add(2, at: at(1)), .start)
        XCTAssertEqual(queue.take(at: at(1)).batch, [2])
    }

    /// Takes batch after batch, each call ended before the next.
    private func batches(_ queue: inout BatchQueue<Int>) -> [[Int]] {
        var batches: [[Int]] = []
        var ended: BatchSize?
        while true {
            let taken = queue.take(after: ended, at: at(1))
            if taken.batch.isEmpty { return batches }
            batches.append(taken.batch)
            ended = taken.size
        }
    }
}
