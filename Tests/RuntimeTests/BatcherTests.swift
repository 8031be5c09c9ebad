import Runtime
import Synchronization
import XCTest

final class BatcherTests: XCTestCase {
    func testWhatIsAskedMeanwhileGoesTogether() async {
        let calls = Mutex<[[Int]]>([])
        let (entered, release) = (Latch(), Latch())
        let double = Batcher<Int, Int>(requestsMax: 3) { numbers in
            let isFirst = calls.withLock { calls in
                calls.append(numbers)
                return calls.count == 1
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
            // All of them wait when the last has come.
            while double.waitingCount < 7 { await Task.yield() }
            release.open()
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        XCTAssertEqual(answers, Dictionary(uniqueKeysWithValues: (1...8).map { ($0, $0 * 2) }))
        XCTAssertEqual(calls.withLock { $0.map(\.count) }, [1, 3, 3, 1])
    }

    func testWhoGetsNoAnswerIsToldSo() async {
        let silent = Batcher<Int, Int>(requestsMax: 3) { _ in [] }
        let answer = await silent(1)
        XCTAssertNil(answer)
    }
}
