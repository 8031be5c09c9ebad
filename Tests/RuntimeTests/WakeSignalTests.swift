import Runtime
import XCTest

final class WakeSignalTests: XCTestCase {
    func testAWakeOpensTheLatchTakenBeforeItAndNoLaterOne() async {
        let wakeSignal = WakeSignal()
        let (first, second) = (wakeSignal.next(), wakeSignal.next())
        wakeSignal.wake()
        let later = wakeSignal.next()
        let heard = [
            await first.wait(atMost: .zero), await second.wait(atMost: .zero),
            await later.wait(atMost: .zero),
        ]
        XCTAssertEqual(heard, [true, true, false])
    }
}
