import Crypto
import XCTest

final class DigestTests: XCTestCase {
    /// FIPS 180-4 examples.
    func testSHA256() {
        func check(_ text: String, _ digest: String, line: UInt = #line) {
            XCTAssertEqual(Hex.encode(SHA256.digest(Array(text.utf8))), digest, line: line)
        }
        check("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        check("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        check(
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        check(
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    /// RFC 4231 section 4, cases 1 to 4, 6 and 7; and the empty key.
    func testHMACSHA256() {
        func check(_ key: [UInt8], _ message: [UInt8], _ code: String, line: UInt = #line) {
            let actual = HMACSHA256.authenticationCode(key: key, message: message)
            XCTAssertEqual(Hex.encode(actual), code, line: line)
        }
        func bytes(_ value: UInt8, _ count: Int) -> [UInt8] {
            Array(repeating: value, count: count)
        }
        check(
            bytes(0x0b, 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        check(
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        check(
            bytes(0xaa, 20), bytes(0xdd, 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")
        check(
            Array(1...25), bytes(0xcd, 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b")
        check(
            bytes(0xaa, 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        check(
            bytes(0xaa, 131),
            Array(
                ("This is a test using a larger than block-size key and a larger than "
                    + "block-size data. The key needs to be hashed before being used by the "
                    + "HMAC algorithm.").utf8),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2")
        check([], [], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    func testConstantTimeEqual() {
        func check(_ a: [UInt8], _ b: [UInt8], _ equal: Bool, line: UInt = #line) {
            XCTAssertEqual(constantTimeEqual(a, b), equal, line: line)
        }
        check([], [], true)
        check([1, 2], [1, 2], true)
        check([1, 2], [1, 3], false)
        check([1, 2], [1], false)
        check([], [0], false)
    }

    func testRandomBytesHaveTheRightLengthAndDiffer() {
        XCTAssertEqual(SecureRandom.bytes(0), [])
        let drawn = (0..<100).map { _ in SecureRandom.bytes(16) }
        XCTAssertTrue(drawn.allSatisfy { $0.count == 16 })
        XCTAssertEqual(Set(drawn).count, 100)
    }
}
