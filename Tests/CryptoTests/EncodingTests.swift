import Crypto
import XCTest

final class EncodingTests: XCTestCase {
    func testHex() {
        func check(_ text: String, _ bytes: [UInt8]?, line: UInt = #line) {
            XCTAssertEqual(Hex.decode(text), bytes, line: line)
            if let bytes { XCTAssertEqual(Hex.encode(bytes), text.lowercased(), line: line) }
        }
        check("", [])
        check("00ff10", [0, 255, 16])
        check("DEADbeef", [0xde, 0xad, 0xbe, 0xef])
        check("0", nil)
        check("0g", nil)
        check(" 00", nil)
        check("0x00", nil)
        check("00\n", nil)
        check("٠٠", nil)
    }

    /// RFC 4648 section 10.
    func testBase64() {
        func check(_ plain: String, _ text: String, line: UInt = #line) {
            XCTAssertEqual(Base64.encode(Array(plain.utf8)), text, line: line)
            XCTAssertEqual(Base64.decode(text), Array(plain.utf8), line: line)
        }
        check("", "")
        check("f", "Zg==")
        check("fo", "Zm8=")
        check("foo", "Zm9v")
        check("foob", "Zm9vYg==")
        check("fooba", "Zm9vYmE=")
        check("foobar", "Zm9vYmFy")
    }

    func testBase64RefusesEveryOtherEncodingOfAValue() {
        func check(_ text: String, line: UInt = #line) {
            XCTAssertNil(Base64.decode(text), line: line)
        }
        check("Zg")
        check("Zg=")
        check("Zg===")
        check("Zh==")
        check("Zm9=")
        check("Zm9v\n")
        check("Zm 9v")
        check("====")
        check("Z===")
        check("Zg==Zg==")
        check("-_-_")
    }

    func testBase64URL() {
        XCTAssertEqual(Base64.encodeURL([0xfb, 0xff, 0xfe]), "-__-")
        XCTAssertEqual(Base64.encodeURL([0xfb]), "-w")
        XCTAssertEqual(Base64.decodeURL("-w"), [0xfb])
        for refused in ["-w==", "+/+/", "-", "-x", "-w\n"] {
            XCTAssertNil(Base64.decodeURL(refused), refused)
        }
    }

    func testEveryLengthIsEncodedAndDecoded() {
        for count in 0..<64 {
            let bytes = SecureRandom.bytes(count)
            XCTAssertEqual(Base64.decode(Base64.encode(bytes)), bytes)
            XCTAssertEqual(Base64.decodeURL(Base64.encodeURL(bytes)), bytes)
            XCTAssertEqual(Hex.decode(Hex.encode(bytes)), bytes)
        }
    }
}
