import Foundation
import XCTest

/// A Postgres of the test alone, which it may restart. `deploy/postgres` makes and removes it.
struct PrivateCluster: Sendable {
    let folder: URL
    let url: String

    init(for testCase: XCTestCase) throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("liaison-cluster-\(UUID().uuidString)")
        url = try Self.script("start", folder)
        let folder = folder
        testCase.addTeardownBlock {
            _ = try? Self.script("remove", folder)
            try? FileManager.default.removeItem(at: folder)
        }
    }

    /// Stops it as a crash would, without a checkpoint and with every connection broken.
    func restart() throws { _ = try Self.script("restart", folder) }

    private static func script(_ command: String, _ folder: URL) throws -> String {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let process = Process()
        process.executableURL = root.appendingPathComponent("deploy/postgres")
        process.arguments = [command, folder.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ScriptFailure(command: command) }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    struct ScriptFailure: Error { let command: String }
}
