import XCTest

@testable import Connectors

final class TextTests: XCTestCase {
    func testServerOrigins() {
        func check(_ text: String, _ origin: String?, line: UInt = #line) {
            XCTAssertEqual(ServerOrigin(text)?.description, origin, line: line)
        }
        check("https://api.pagerduty.com", "https://api.pagerduty.com")
        check("HTTPS://Acme.my.Salesforce.com/", "https://acme.my.salesforce.com")
        check("http://127.0.0.1:8080", "http://127.0.0.1:8080")
        check("http://[::1]:8080/", "http://[::1]:8080")
        check("ftp://example.com", nil)
        check("example.com", nil)
        check("https://", nil)
        check("https://a.example/path", nil)
        check("https://a.example?x", nil)
        check("https://a.example#x", nil)
        check("https://user@a.example", nil)
        check("https://a.example:443@evil.example", nil)
        check("https://a.example:0", nil)
        check("https://a.example:65536", nil)
        check("https://a.example:+1", nil)
        check("https://a..example", nil)
        check("https://a.example\\.evil.example", nil)
        check("https://a.example\r\nX: y", nil)
        check("https://exämple.com", nil)
        check("http://[::1", nil)
        check("http://[::1]x", nil)
    }

    func testLoopback() {
        func check(_ text: String, _ isLoopback: Bool, line: UInt = #line) {
            XCTAssertEqual(ServerOrigin(text)?.isLoopback, isLoopback, line: line)
        }
        check("http://localhost:1", true)
        check("http://127.0.0.1", true)
        check("http://127.9.9.9", true)
        check("http://[::1]", true)
        check("http://127.0.0.1.evil.example", false)
        check("http://127.evil.example.com", false)
        check("http://localhost.evil.example", false)
        check("http://10.0.0.1", false)
    }

    func testPercentEncoding() {
        XCTAssertEqual("a-Z_0.~".percentEncoded, "a-Z_0.~")
        XCTAssertEqual(" /?&=+%ä'".percentEncoded, "%20%2F%3F%26%3D%2B%25%C3%A4%27")
        XCTAssertEqual("..".percentEncoded, "..")
    }

    func testCut() {
        func check(_ text: String, _ max: Int, _ cut: String, line: UInt = #line) {
            XCTAssertEqual(text.cut(utf16Max: max), cut, line: line)
        }
        check("abcd", 4, "abcd")
        check("abcde", 4, "abc…")
        check("ab👩‍👩‍👧", 9, "ab…")
        check("ab👩‍👩‍👧", 10, "ab👩‍👩‍👧")
        check("", 4, "")
    }

    func testPartsCountBytesAndKeepCharactersWhole() {
        func check(_ text: String, _ bytesMax: Int, _ parts: [String], line: UInt = #line) {
            XCTAssertEqual(text.numberedParts(bytesMax: bytesMax, partsMax: 9), parts, line: line)
        }
        check("", 20, [""])
        check(String(repeating: "a", count: 20), 20, [String(repeating: "a", count: 20)])
        check(
            String(repeating: "a", count: 21), 20,
            ["(1/2) aaaaaaaaaaa", "(2/2) aaaaaaaaaa"])
        check("äääääääääää", 20, ["(1/3) äääää", "(2/3) äääää", "(3/3) ä"])
        check("abcdefgh👩‍👩‍👧ijklm", 20, ["(1/4) abcdefgh", "(2/4) 👩‍👩", "(3/4) ‍👧ijkl", "(4/4) m"])
    }

    func testEveryPartFitsAndNothingIsLost() {
        let text = String(repeating: "ab ä 漢 👍🏽\r\n", count: 400)
        for bytesMax in [64, 1000, 3999, 4000] {
            let parts = text.numberedParts(bytesMax: bytesMax, partsMax: 999)
            XCTAssertTrue(parts.allSatisfy { $0.utf8.count <= bytesMax })
            let bodies = parts.map { $0.drop { $0 != " " }.dropFirst() }
            XCTAssertEqual(bodies.joined(), text)
        }
    }

    func testTooManyPartsAreCutOffVisibly() {
        let parts = String(repeating: "a", count: 1000).numberedParts(bytesMax: 20, partsMax: 3)
        XCTAssertEqual(parts, ["(1/3) aaaaaaaaaaa", "(2/3) aaaaaaaaaaa", "(3/3) aaaaaaaaaaa…"])
        XCTAssertTrue(parts.allSatisfy { $0.utf8.count <= 20 })
    }
}
