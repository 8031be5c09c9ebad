import Models
import XCTest

final class VendorLimitsTests: XCTestCase {
    func testUnitsAreCountedAndCharactersKeptWhole() {
        func check(_ text: String, _ max: Int, _ cut: String, line: UInt = #line) {
            XCTAssertEqual(text.cut(toUnits: max), cut, line: line)
        }
        check("abcd", 4, "abcd")
        check("abcde", 4, "abc…")
        check("ab👩‍👩‍👧", 9, "ab…")
        check("ab👩‍👩‍👧", 10, "ab👩‍👩‍👧")
        check("", 4, "")
    }
}
