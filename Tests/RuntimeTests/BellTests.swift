import Runtime
import XCTest

final class BellTests: XCTestCase {
    func testARingIsHeardByWhoTookTheLatchBeforeItAndByNobodyAfter() async {
        let bell = Bell()
        let (first, second) = (bell.next(), bell.next())
        bell.ring()
        let later = bell.next()
        let heard = [
            await first.wait(atMost: .zero), await second.wait(atMost: .zero),
            await later.wait(atMost: .zero),
        ]
        XCTAssertEqual(heard, [true, true, false])
    }
}
