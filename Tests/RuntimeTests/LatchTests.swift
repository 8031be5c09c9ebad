import Glibc
import Runtime
import XCTest

final class LatchTests: XCTestCase {
    func testEveryWaiterIsLetGoWhenItOpens() async {
        let latch = Latch()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { await latch.wait() } }
            latch.open()
        }
        latch.open()
        await latch.wait()
        XCTAssertTrue(latch.isOpen)
    }

    func testACancelledWaiterStopsWaitingAndLeavesTheLatchClosed() async {
        let latch = Latch()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { await latch.wait() } }
            group.cancelAll()
        }
        XCTAssertFalse(latch.isOpen)
    }

    func testAWaitWithALimitSaysWhichCameFirst() async {
        let closed = await Latch().wait(atMost: .zero)
        XCTAssertFalse(closed)
        let latch = Latch()
        async let opened = latch.wait(atMost: .seconds(3600))
        latch.open()
        let result = await opened
        XCTAssertTrue(result)
    }

    func testTheFirstTerminationSignalOpensTheLatch() async {
        let stop = Latch()
        TerminationSignals.open(stop)
        kill(getpid(), SIGTERM)
        await stop.wait()
        XCTAssertTrue(stop.isOpen)
    }
}
