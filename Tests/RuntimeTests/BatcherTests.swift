import Runtime
import Synchronization
import XCTest

final class BatcherTests: XCTestCase {
    func testRequestsDuringACallTravelTogetherAndEachGetsItsAnswer() async {
        let batches = Mutex<[[Int]]>([])
        let (entered, release) = (Latch(), Latch())
        let double = Batcher<Int, Int>(requestsMax: 3) { numbers in
            let isFirst = batches.withLock { batches in
                batches.append(numbers)
                return batches.count == 1
            }
            if isFirst {
                entered.open()
                await release.wait()
            }
            return numbers.map { $0 * 2 }
        }
        let answers = await withTaskGroup(of: (Int, Int?).self) { group in
            group.addTask { (1, await double(1)) }
            await entered.wait()
            for number in 2...8 { group.addTask { (number, await double(number)) } }
            while double.waitingCount < 7 { await Task.yield() }
            release.open()
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        XCTAssertEqual(answers, Dictionary(uniqueKeysWithValues: (1...8).map { ($0, $0 * 2) }))
        XCTAssertEqual(batches.withLock { $0.map(\.count) }, [1, 3, 3, 1])
    }

    func testAnAnswerFindsItsRequestWhateverTheOrderWithinTheCall() async {
        let batches = Mutex<[[Int]]>([])
        let policy = BatchPolicy<Int>(
            requestsMax: 10, gatherMax: .seconds(60), group: { $0 % 2 }, precedes: <)
        let double = Batcher<Int, Int>(policy) { numbers in
            batches.withLock { $0.append(numbers) }
            return numbers.map { $0 * 2 }
        }
        let announced = (0..<4).map { _ in double.announce() }
        let answers = await withTaskGroup(of: Int?.self) { group in
            for (place, number) in [9, 4, 7, 2].enumerated() {
                group.addTask { await double(number, announcedAs: announced[place]) }
                while place < 3, double.waitingCount <= place { await Task.yield() }
            }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        XCTAssertEqual(answers, [18, 8, 14, 4])
        XCTAssertEqual(batches.withLock { $0 }, [[7, 9], [2, 4]])
    }

    func testACallWaitsForAnAnnouncedRequestNoLongerThanAllowed() async {
        let echo = Batcher<Int, Int>(
            BatchPolicy(requestsMax: 10, gatherMax: .milliseconds(1))
        ) { $0 }
        _ = echo.announce()
        let answer = await echo(1)
        XCTAssertEqual(answer, 1)
    }

    func testAWithdrawnAnnouncementEndsTheWait() async {
        let echo = Batcher<Int, Int>(BatchPolicy(requestsMax: 10, gatherMax: .seconds(3600))) { $0 }
        let announcement = echo.announce()
        async let answer = echo(1)
        while echo.waitingCount < 1 { await Task.yield() }
        echo.withdraw(announcement)
        let answered = await answer
        XCTAssertEqual(answered, 1)
    }

    func testARequestWithoutAnAnswerGetsNil() async {
        let silent = Batcher<Int, Int>(requestsMax: 3) { _ in [] }
        let answer = await silent(1)
        XCTAssertNil(answer)
    }
}
