import Automation
import Models
import XCTest

final class BackoffTests: XCTestCase {
    func testThePauseGrowsToItsCapWithFullJitter() {
        func check(_ attempt: Int, _ jitter: Double, _ seconds: Double, line: UInt = #line) {
            XCTAssertEqual(
                Backoff.delay(attempt: attempt, jitter: jitter), .seconds(seconds), line: line)
        }
        check(1, 0, 0)
        check(1, 0.5, 1)
        check(2, 0.5, 2)
        check(3, 0.5, 4)
        check(8, 0.5, 128)
        check(9, 0.5, 150)
        check(1_000_000, 0.5, 150)
        check(0, 0.5, 1)
        check(.min, 0.5, 1)
    }

    func testTheFailureDecidesAboutTheNextAttempt() {
        let cause = Cause(.salesforce, code: "UNABLE_TO_LOCK_ROW", message: "locked")
        func check(
            _ failure: Failure, attempt: Int, _ decision: Backoff.RetryDecision, line: UInt = #line
        ) {
            XCTAssertEqual(
                Backoff.decision(after: failure, attempt: attempt, attemptsMax: 3, jitter: 0.5),
                decision, line: line)
        }
        func again(
            _ seconds: Int, _ refunds: Bool, _ cause: Cause?
        ) -> Backoff.RetryDecision {
            .again(.retry(after: .seconds(seconds), refundsAttempt: refunds, because: cause))
        }
        check(.retryable(cause), attempt: 1, again(1, false, cause))
        check(.retryable(cause), attempt: 2, again(2, false, cause))
        check(.retryable(cause), attempt: 3, .giveUp(cause))
        check(.throttled(cause, retryAfter: .seconds(9)), attempt: 3, again(9, true, cause))
        check(.throttled(cause, retryAfter: .seconds(-1)), attempt: 1, again(0, true, cause))
        check(
            .throttled(cause, retryAfter: .seconds(Int64.max)), attempt: 1,
            again(2_592_000, true, cause))
        check(.permanent(cause), attempt: 1, .giveUp(cause))
        check(.interrupted, attempt: 99, again(0, true, nil))
    }
}
