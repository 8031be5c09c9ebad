import Runtime
import Synchronization
import XCTest

final class BatcherTests: XCTestCase {
    func testRequestsDuringACallTravelTogetherAndEachGetsItsAnswer() async {
        let batches = Mutex<[[Int]]>([])
        let (entered, release) = (Latch(), Latch())
        let (requests, arrived) = AsyncStream.makeStream(of: Void.self)
        let policy = BatchPolicy<Int>(requestsMax: 3, group: { _ in arrived.countOne() })
        let double = Batcher<Int, Int>(policy) { numbers in
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
            await requests.wait(for: 8)
            release.open()
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        XCTAssertEqual(answers, Dictionary(uniqueKeysWithValues: (1...8).map { ($0, $0 * 2) }))
        XCTAssertEqual(batches.withLock { $0.map(\.count) }, [1, 3, 3, 1])
    }

    func testAnAnswerFindsItsRequestWhateverTheOrderWithinTheCall() async {
        let batches = Mutex<[[Int]]>([])
        let (requests, arrived) = AsyncStream.makeStream(of: Void.self)
        let policy = BatchPolicy<Int>(
            requestsMax: 10, gatherMax: .seconds(60),
            group: { number in
                arrived.countOne()
                return number % 2
            }, precedes: <)
        let double = Batcher<Int, Int>(policy) { numbers in
            batches.withLock { $0.append(numbers) }
            return numbers.map { $0 * 2 }
        }
        let announced = (0..<4).map { _ in double.announce() }
        let answers = await withTaskGroup(of: Int?.self) { group in
            for (place, number) in [9, 4, 7, 2].enumerated() {
                group.addTask { await double(number, announcedAs: announced[place]) }
                await requests.wait(for: 1)
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
        let (requests, arrived) = AsyncStream.makeStream(of: Void.self)
        let policy = BatchPolicy<Int>(
            requestsMax: 10, gatherMax: .seconds(3600), group: { _ in arrived.countOne() })
        let echo = Batcher<Int, Int>(policy) { $0 }
        let announcement = echo.announce()
        async let answer = echo(1)
        await requests.wait(for: 1)
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

/// The requests that a batcher has been given. It asks for a request's group when it adds it.
extension AsyncStream<Void>.Continuation {
    /// Returns the same group for all requests.
    @discardableResult
    fileprivate func countOne() -> Int {
        yield()
        return 0
    }
}

extension AsyncStream<Void> {
    fileprivate func wait(for count: Int) async {
        var arrivals = makeAsyncIterator()
        for _ in 0..<count { await arrivals.next() }
    }
}
