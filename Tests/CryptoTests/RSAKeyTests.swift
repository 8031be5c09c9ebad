import Foundation
import XCTest

@testable import Crypto

final class RSAKeyTests: XCTestCase {
    private let message = Array("header.payload".utf8)

    func testAPrivateKeyIsReadInEveryForm() throws {
        let pkcs8 = try openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048")
        let pkcs1 = try openssl("rsa -traditional", input: pkcs8)
        let certificate = try openssl(
            "req -x509 -key /dev/stdin -subj /CN=liaison.example -days 1", input: pkcs8)
        let publicKey = try RSAPublicKey(pem: try openssl("rsa -pubout", input: pkcs8))
        func check(_ pem: String, line: UInt = #line) throws {
            let signature = try RSAPrivateKey(pem: pem).signRS256(message)
            XCTAssertTrue(
                publicKey.verifyRS256(signature: signature, message: message), line: line)
        }
        XCTAssertTrue(pkcs8.hasPrefix("-----BEGIN PRIVATE KEY-----"))
        XCTAssertTrue(pkcs1.hasPrefix("-----BEGIN RSA PRIVATE KEY-----"))
        for pem in [pkcs8, pkcs1] {
            let escaped = pem.replacingOccurrences(of: "\n", with: "\\n")
            try check(pem)
            try check(pem.replacingOccurrences(of: "\n", with: "\r\n"))
            try check(" \n\t\(pem)  \n\n")
            try check(pem.replacingOccurrences(of: "\n", with: "\n   "))
            try check(escaped)
            try check(pem.replacingOccurrences(of: "\n", with: "\\r\\n"))
            try check(pem.replacingOccurrences(of: "\n", with: " "))
            try check(Base64.encode(Array(pem.utf8)))
            try check(Base64.encode(Array(escaped.utf8)))
            try check(wrapped(Base64.encode(Array(pem.utf8))))
            try check(certificate + pem)
            try check(try RSAPrivateKey(pem: pem).pem)
        }
    }

    func testAPublicKeyIsReadInEveryForm() throws {
        let pkcs8 = try openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048")
        let key = try RSAPrivateKey(pem: pkcs8)
        let signature = try key.signRS256(message)
        func check(_ pem: String, line: UInt = #line) throws {
            let publicKey = try RSAPublicKey(pem: pem)
            XCTAssertTrue(
                publicKey.verifyRS256(signature: signature, message: message), line: line)
        }
        try check(key.publicPEM)
        try check(try openssl("rsa -pubout", input: pkcs8))
        try check(try openssl("rsa -RSAPublicKey_out", input: pkcs8))
        try check(try openssl("req -x509 -key /dev/stdin -subj /CN=a.example", input: pkcs8))
    }

    func testASignatureEqualsThatOfAnotherImplementation() throws {
        let key = try RSAPrivateKey.generate(bits: 2048)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "liaison-\(UUID().uuidString).pem")
        try key.pem.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let signature = try openssl(
            "dgst -sha256 -hex -sign \(file.path)", input: String(decoding: message, as: UTF8.self))
        let hex = signature.split(whereSeparator: \.isWhitespace).last.map(String.init)
        XCTAssertEqual(hex, Hex.encode(try key.signRS256(message)))
    }

    func testForgeriesAreRefused() throws {
        let key = try RSAPrivateKey.generate(bits: 2048)
        let publicKey = try RSAPublicKey(pem: key.publicPEM)
        let other = try RSAPrivateKey.generate(bits: 2048)
        let signature = try key.signRS256(message)
        func check(_ signature: [UInt8], _ message: [UInt8], line: UInt = #line) {
            XCTAssertFalse(
                publicKey.verifyRS256(signature: signature, message: message), line: line)
        }
        XCTAssertTrue(publicKey.verifyRS256(signature: signature, message: message))
        check(signature, message + [0])
        check(signature, [])
        check([], message)
        check(Array(signature.dropLast()), message)
        check(signature + [0], message)
        check([UInt8](repeating: 0, count: 256), message)
        check(try other.signRS256(message), message)
    }

    func testEachUnusablePrivateKeyHasItsOwnError() throws {
        func check(_ pem: String, _ error: KeyError, line: UInt = #line) {
            XCTAssertThrowsError(try RSAPrivateKey(pem: pem), line: line) {
                XCTAssertEqual($0 as? KeyError, error, line: line)
            }
        }
        let pkcs8 = try RSAPrivateKey.generate(bits: 2048).pem
        let elliptic = try openssl("ecparam -genkey -name prime256v1")
        check("", .notPEM)
        check("secret", .notPEM)
        check("c2VjcmV0", .notPEM)
        check(elliptic, .notRSA(algorithm: "EC"))
        check(try openssl("pkcs8 -topk8 -nocrypt", input: elliptic), .notRSA(algorithm: "EC"))
        check(try openssl("genpkey -algorithm ED25519"), .notRSA(algorithm: "ED25519"))
        check(
            try openssl("pkcs8 -topk8 -v2 aes256 -passout pass:abcdef", input: pkcs8), .encrypted)
        check(
            try openssl("rsa -traditional -aes256 -passout pass:abcdef", input: pkcs8), .encrypted)
        check(
            try openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024"),
            .tooShort(bits: 1024))
        check(try openssl("rsa -pubout", input: pkcs8), .wrongKind(found: "PUBLIC KEY"))
        check(pkcs8.replacingOccurrences(of: "END PRIVATE", with: "END PUBLIC"), .malformed)
        check(String(pkcs8.prefix(400)), .malformed)
        check("-----BEGIN PRIVATE KEY-----\n*\n-----END PRIVATE KEY-----", .malformed)
        check("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", .malformed)
        check("-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----", .malformed)
    }

    func testEachUnusablePublicKeyHasItsOwnError() throws {
        func check(_ pem: String, _ error: KeyError, line: UInt = #line) {
            XCTAssertThrowsError(try RSAPublicKey(pem: pem), line: line) {
                XCTAssertEqual($0 as? KeyError, error, line: line)
            }
        }
        let elliptic = try openssl("ecparam -genkey -noout -name prime256v1")
        check("", .notPEM)
        check(try openssl("ec -pubout", input: elliptic), .notRSA(algorithm: "EC"))
        check(
            try openssl("req -x509 -key /dev/stdin -subj /CN=a.example", input: elliptic),
            .notRSA(algorithm: "EC"))
        check(try RSAPrivateKey.generate(bits: 2048).pem, .wrongKind(found: "PRIVATE KEY"))
        check("-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----", .malformed)
    }

    func testShortKeysAreNotGenerated() {
        XCTAssertThrowsError(try RSAPrivateKey.generate(bits: 1024)) {
            XCTAssertEqual($0 as? KeyError, .tooShort(bits: 1024))
        }
    }

    func testAKeyIsNotPrinted() throws {
        let key = try RSAPrivateKey.generate(bits: 2048)
        XCTAssertEqual("\(key)", "RSAPrivateKey")
        var dumped = ""
        dump(key, to: &dumped)
        XCTAssertFalse(dumped.contains("UInt8"), dumped)
    }

    private func wrapped(_ text: String) -> String {
        text.enumerated().map { $0.offset % 76 == 75 ? "\($0.element)\n" : "\($0.element)" }
            .joined()
    }

    private func openssl(_ arguments: String, input: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments.split(separator: " ").map(String.init)
        let (standardInput, output) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0, "openssl \(arguments)")
        return String(decoding: data, as: UTF8.self)
    }
}
