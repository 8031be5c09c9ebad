import XCTest

@testable import Crypto

final class AESGCMTests: XCTestCase {
    /// Cases 13 to 16 of the GCM specification (McGrew and Viega, appendix B).
    func testPublishedVectors() throws {
        func check(
            key: String, nonce: String, plaintext: String, associated: String = "",
            ciphertext: String, tag: String, line: UInt = #line
        ) throws {
            let bytes = try [key, nonce, plaintext, associated].map {
                try XCTUnwrap(Hex.decode($0), line: line)
            }
            let sealed = try AESGCM.seal(
                bytes[2], key: bytes[0], nonce: bytes[1], associatedData: bytes[3])
            XCTAssertEqual(Hex.encode(sealed), nonce + ciphertext + tag, line: line)
            let opened = try AESGCM.open(sealed, key: bytes[0], associatedData: bytes[3])
            XCTAssertEqual(opened, bytes[2], line: line)
        }
        let zero = String(repeating: "0", count: 64)
        let key = String(repeating: "feffe9928665731c6d6a8f9467308308", count: 2)
        let plaintext =
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
        let ciphertext =
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
        try check(
            key: zero, nonce: String(zero.prefix(24)), plaintext: "",
            ciphertext: "", tag: "530f8afbc74536b9a963b4f1c4cb738b")
        try check(
            key: zero, nonce: String(zero.prefix(24)), plaintext: String(zero.prefix(32)),
            ciphertext: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919")
        try check(
            key: key, nonce: "cafebabefacedbaddecaf888", plaintext: plaintext,
            ciphertext: ciphertext, tag: "b094dac5d93471bdec1a502270e3cc6c")
        try check(
            key: key, nonce: "cafebabefacedbaddecaf888",
            plaintext: String(plaintext.dropLast(8)),
            associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            ciphertext: String(ciphertext.dropLast(8)),
            tag: "76fc6ece0f4e1768cddf8853bb2d551b")
    }

    func testAChangedTextDoesNotOpen() throws {
        let key = SecureRandom.bytes(32)
        let sealed = try AESGCM.seal([1, 2, 3], key: key, associatedData: [9])
        func check(_ bytes: [UInt8], key: [UInt8], associated: [UInt8], line: UInt = #line) {
            XCTAssertThrowsError(
                try AESGCM.open(bytes, key: key, associatedData: associated), line: line
            ) { XCTAssertEqual($0 as? AESGCMError, .notAuthentic, line: line) }
        }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            check(changed, key: key, associated: [9])
        }
        for count in 0..<sealed.count {
            check(Array(sealed.prefix(count)), key: key, associated: [9])
        }
        check(sealed + [0], key: key, associated: [9])
        check(sealed, key: key, associated: [])
        check(sealed, key: SecureRandom.bytes(32), associated: [9])
    }

    func testEverySealHasItsOwnNonce() throws {
        let key = SecureRandom.bytes(32)
        let nonces = try (0..<100).map { _ in
            Array(try AESGCM.seal([], key: key).prefix(AESGCM.nonceByteCount))
        }
        XCTAssertEqual(Set(nonces).count, 100)
    }

    func testKeysOfAnotherLengthAreRefused() {
        for count in [0, 16, 31, 33] {
            let key = [UInt8](repeating: 0, count: count)
            XCTAssertThrowsError(try AESGCM.seal([], key: key)) {
                XCTAssertEqual($0 as? AESGCMError, .keyLength(count))
            }
            XCTAssertThrowsError(try AESGCM.open([], key: key)) {
                XCTAssertEqual($0 as? AESGCMError, .keyLength(count))
            }
        }
    }
}
