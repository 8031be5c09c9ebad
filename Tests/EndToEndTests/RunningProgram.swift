import Foundation
import XCTest

/// A real executable of this build, started with an environment of its own.
final class RunningProgram: @unchecked Sendable {
    private let process = Process()
    let log: URL

    init(
        _ product: String, _ arguments: [String] = [], environment: [String: String],
        for testCase: XCTestCase
    ) throws {
        // The test runner stands beside the products.
        let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        log = FileManager.default.temporaryDirectory
            .appendingPathComponent("liaison-\(product)-\(UUID().uuidString).log")
        FileManager.default.createFile(atPath: log.path, contents: nil)
        process.executableURL = products.appendingPathComponent(product)
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin"].merging(environment) { $1 }
        process.standardOutput = try FileHandle(forWritingTo: log)
        process.standardError = process.standardOutput
        try process.run()
        testCase.addTeardownBlock { [self] in
            kill()
            try? FileManager.default.removeItem(at: log)
        }
    }

    /// SIGKILL: no chance to finish anything.
    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// SIGTERM, and the status with which it ends.
    func terminate() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// The first line of its log that holds this text, once it is written.
    func line(with text: String, withinSeconds seconds: Double = 60) async throws -> String {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            let lines = logText.split(separator: "\n")
            if let line = lines.first(where: { $0.contains(text) }) { return String(line) }
            guard isRunning else { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Silence(log: logText)
    }

    struct Silence: Error { let log: String }

    var isRunning: Bool { process.isRunning }
    var logText: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
}

/// A Postgres of its own that a test may restart; made and removed by the script that people use.
struct PrivateCluster {
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

    /// As after a crash: no checkpoint, every connection broken.
    func restart() throws { _ = try Self.script("restart", folder) }

    private static func script(_ command: String, _ folder: URL) throws -> String {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
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
