import Crypto
import Dispatch
import Foundation
import XCTest

@testable import Sandbox

/// The vendors' own Python clients against the sandbox. Needs `python3` and, the first time, a
/// network for pip.
final class ClientsTests: XCTestCase {
    func testOfficialClientsWork() async throws {
        let key = try RSAPrivateKey.generate()
        let keyFile = FileManager.default.temporaryDirectory
            .appendingPathComponent("liaison-sandbox-\(UUID().uuidString).pem")
        try Data(key.pem.utf8).write(to: keyFile)
        defer { try? FileManager.default.removeItem(at: keyFile) }
        var options = SandboxOptions()
        options.salesforce.publicKeyPEM = key.publicPEM
        try await Sandbox.running(options) { sandbox in
            let (status, output) = try await Self.python(
                [sandbox.pagerDutyURL, sandbox.salesforceURL, keyFile.path])
            XCTAssertEqual(status, 0, output)
        }
    }

    private static func python(_ arguments: [String]) async throws -> (Int32, String) {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("clients.py").path
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "clients").async {
                let process = Process()
                let output = Pipe()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = ["python3", script] + arguments
                process.standardOutput = output
                process.standardError = output
                do {
                    try process.run()
                    let data = output.fileHandleForReading.readDataToEndOfFile()
                    process.waitUntilExit()
                    continuation.resume(
                        returning: (
                            process.terminationStatus, String(decoding: data, as: UTF8.self)
                        ))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }
}
