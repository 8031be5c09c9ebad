import XCTest

@testable import Crypto

final class ScryptTests: XCTestCase {
    private func cheap() throws -> Scrypt.Cost {
        try XCTUnwrap(Scrypt.Cost(log2N: 4, r: 1, p: 1))
    }

    /// RFC 7914 section 12.
    func testPublishedVectors() throws {
        func check(
            _ password: String, _ salt: String, _ cost: Scrypt.Cost?, _ hash: String,
            line: UInt = #line
        ) throws {
            let derived = Scrypt.derive(
                Array(password.utf8), Array(salt.utf8), try XCTUnwrap(cost), count: 64)
            XCTAssertEqual(Hex.encode(derived), hash, line: line)
        }
        try check(
            "", "", Scrypt.Cost(log2N: 4, r: 1, p: 1),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906")
        try check(
            "password", "NaCl", Scrypt.Cost(log2N: 10, r: 8, p: 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640")
    }

    func testOnlyThePasswordItselfVerifies() throws {
        let encoded = Scrypt.hash("cörrect hörse", cost: try cheap())
        XCTAssertTrue(encoded.hasPrefix("$scrypt$ln=4,r=1,p=1$"), encoded)
        XCTAssertTrue(Scrypt.verify("cörrect hörse", against: encoded))
        for other in ["", "cörrect hörs", "cörrect hörse ", "CÖRRECT HÖRSE"] {
            XCTAssertFalse(Scrypt.verify(other, against: encoded), other)
        }
    }

    func testTheSaltIsNew() throws {
        let hashes = try (0..<2).map { _ in Scrypt.hash("same", cost: try cheap()) }
        XCTAssertNotEqual(hashes[0], hashes[1])
    }

    func testTheDefaultCostVerifies() {
        XCTAssertTrue(Scrypt.verify("p", against: Scrypt.hash("p")))
    }

    func testForgedTextsAreRefusedWithoutWork() throws {
        let encoded = Scrypt.hash("p", cost: try cheap())
        let parts = encoded.split(separator: "$")
        func check(_ forged: String, line: UInt = #line) {
            XCTAssertFalse(Scrypt.verify("p", against: forged), line: line)
        }
        check("")
        check("p")
        check("$scrypt$")
        check(encoded + "$")
        check(String(encoded.dropLast()))
        check("$scrypt$ln=40,r=8,p=1$\(parts[2])$\(parts[3])")
        check("$scrypt$ln=20,r=16,p=1$\(parts[2])$\(parts[3])")
        check("$scrypt$ln=-1,r=1,p=1$\(parts[2])$\(parts[3])")
        check("$scrypt$ln=4,r=1,p=9999999$\(parts[2])$\(parts[3])")
        check("$scrypt$ln=4,r=1,p=1$\(parts[2])$")
        check("$argon2$ln=4,r=1,p=1$\(parts[2])$\(parts[3])")
    }
}
