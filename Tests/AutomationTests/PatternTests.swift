import XCTest

@testable import Automation

final class PatternTests: XCTestCase {
    func testAPatternMatchesUnicodeAnywhere() throws {
        func check(
            _ pattern: String, _ text: String, caseSensitive: Bool = false,
            _ answer: Pattern.SearchResult, line: UInt = #line
        ) throws {
            XCTAssertEqual(
                try Pattern(pattern, caseSensitive: caseSensitive).search(text), answer, line: line)
        }
        try check("down", "Checkout is DOWN", .found)
        try check("down", "Checkout is DOWN", caseSensitive: true, .absent)
        try check("^down$", "is down", .absent)
        try check(#"^\w+ 日本$"#, "naïve 日本", .found)
        try check("", "", .found)
        try check("É", "café é", .found)
        try check(#"P[1-3]\b"#, "now P2.", .found)
        try check(#"(?<=is )down"#, "is down", .found)
    }

    func testAPatternStopsAtItsLimits() throws {
        func check(_ pattern: String, _ text: String, line: UInt = #line) throws {
            switch try Pattern(pattern, caseSensitive: true).search(text) {
            case .limit: break
            case .found, .absent: XCTFail("was not stopped", line: line)
            }
        }
        let many = String(repeating: "a", count: 40) + "!"
        try check("^(a+)+$", many)
        try check("^(a|aa)+$", many)
        try check("(.*)(.*)(.*)(.*)(.*)x$", String(repeating: "y", count: 4096) + "xz")
    }

    func testAnInvalidPatternHasAReason() {
        XCTAssertNil(Pattern.problem(in: "a|b"))
        for pattern in [
            "(", "[z-a]", "a{2,1}", #"\C"#, "(?<n>a)(?<n>b)", "*a", "(((a{9999}){9999}){9999})",
        ] {
            XCTAssertNotNil(Pattern.problem(in: pattern), pattern)
        }
    }

    func testOnePatternIsUsedByManyThreads() async throws {
        let pattern = try Pattern("^(a+)+$", caseSensitive: true)
        let answers = await withTaskGroup(of: Pattern.SearchResult.self) { group in
            for _ in 0..<8 { group.addTask { pattern.search("aaaa") } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        XCTAssertEqual(answers, Array(repeating: .found, count: 8))
    }

    func testWildcards() {
        func check(_ pattern: String, _ text: String, _ matches: Bool?, line: UInt = #line) {
            XCTAssertEqual(Wildcard.matches(pattern, text), matches, line: line)
        }
        check("*", "", true)
        check("", "", true)
        check("", "a", false)
        check("a*c", "abbbc", true)
        check("a*c", "abbbcd", false)
        check("a?c", "abc", true)
        check("a?c", "ac", false)
        check("*down*", "is down now", true)
        check("*a*b*c", "xxaxxbxxc", true)
        check("?", "🚒", true)
        check("a.c", "abc", false)
        check("**", "x", true)
        check("*ab", "aab", true)
        let long = String(repeating: "a", count: 20_000)
        check("*" + String(repeating: "a", count: 1000) + "b", long, nil)
    }
}
