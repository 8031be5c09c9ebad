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
}
