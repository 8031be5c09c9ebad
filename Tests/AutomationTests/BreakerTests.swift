import XCTest

@testable import Automation

final class BreakerTests: XCTestCase {
    func testTheBreakersStateFromTheDatabase() {
        func check(_ trips: Int, _ secondsLeft: Double, _ expected: Breaker, line: UInt = #line) {
            XCTAssertEqual(
                Breaker(trips: trips, pauseLeft: .seconds(secondsLeft)), expected, line: line)
            XCTAssertEqual(expected.trips, max(0, trips), line: line)
        }
        check(0, 0, .closed)
        check(0, 30, .closed)
        check(1, 30, .open(trips: 1, pause: .seconds(30)))
        check(4, 0.1, .open(trips: 4, pause: .seconds(0.1)))
        check(4, 0, .halfOpen(trips: 4))
        check(4, -3, .halfOpen(trips: 4))
        check(-1, 5, .closed)
    }

    func testTheBreakersStateAfterACheck() {
        func check(
            _ breaker: Breaker, isUp: Bool, jitter: Double = 0.5, _ expected: Breaker,
            line: UInt = #line
        ) {
            XCTAssertEqual(breaker.checked(isUp: isUp, jitter: jitter), expected, line: line)
        }
        for known: Breaker in [.closed, .open(trips: 3, pause: .seconds(1)), .halfOpen(trips: 3)] {
            check(known, isUp: true, .closed)
        }
        // Pauses double up to a minute; jitter makes them last from half to the whole.
        check(.closed, isUp: false, jitter: 0, .open(trips: 1, pause: .seconds(0.5)))
        check(.closed, isUp: false, .open(trips: 1, pause: .seconds(0.75)))
        check(.halfOpen(trips: 1), isUp: false, .open(trips: 2, pause: .seconds(1.5)))
        check(.halfOpen(trips: 2), isUp: false, .open(trips: 3, pause: .seconds(3)))
        check(.open(trips: 2, pause: .seconds(9)), isUp: false, .open(trips: 3, pause: .seconds(3)))
        check(.halfOpen(trips: 5), isUp: false, jitter: 0, .open(trips: 6, pause: .seconds(16)))
        check(.halfOpen(trips: 6), isUp: false, .open(trips: 7, pause: .seconds(45)))
        check(
            .halfOpen(trips: 1_000_000), isUp: false,
            .open(trips: 1_000_001, pause: .seconds(45)))
    }

    /// Five minutes of outage are a dozen checks or two, whatever the jitter.
    func testAnOutageLeadsToFewChecks() {
        for jitter in [0, 0.25, 0.5, 0.999] {
            var breaker = Breaker.closed
            var elapsed = Duration.zero
            var checks = 0
            while elapsed < .seconds(300) {
                checks += 1
                breaker = breaker.checked(isUp: false, jitter: jitter)
                guard case .open(let trips, let pause) = breaker else { return XCTFail() }
                elapsed += pause
                breaker = Breaker(trips: trips, pauseLeft: .zero)
            }
            XCTAssertLessThanOrEqual(checks, 16, "jitter \(jitter)")
        }
    }
}
