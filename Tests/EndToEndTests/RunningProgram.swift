import Foundation
import Runtime
import Synchronization
import XCTest

/// A real executable of this build, started with an environment of its own.
final class RunningProgram: @unchecked Sendable {
    private let process = Process()
    private let output = ProgramOutput()

    convenience init(
        _ product: String, _ arguments: [String] = [], environment: [String: String],
        for testCase: XCTestCase
    ) throws {
        // The test runner stands beside the products.
        let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        try self.init(
            at: products.appendingPathComponent(product), arguments, environment: environment,
            for: testCase)
    }

    init(
        at executable: URL, _ arguments: [String], environment: [String: String] = [:],
        for testCase: XCTestCase
    ) throws {
        process.executableURL = executable
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin"].merging(environment) { $1 }
        process.standardOutput = output.pipe
        process.standardError = output.pipe
        try process.run()
        output.read()
        testCase.addTeardownBlock { [self] in kill() }
    }

    /// SIGKILL: no chance to finish anything.
    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func signal(_ number: Int32) { Foundation.kill(process.processIdentifier, number) }

    /// SIGTERM, and the status with which it ends.
    func terminate() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// The first line of its log that holds this text, once it is written.
    func line(with text: String, withinSeconds seconds: Double = 60) async throws -> String {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            let grown = output.grown
            let lines = logText.split(separator: "\n")
            if let line = lines.first(where: { $0.contains(text) }) { return String(line) }
            let left = end - .now
            guard left > .zero, !output.hasEnded, await grown.wait(atMost: left) else { break }
        }
        throw Silence(log: logText)
    }

    struct Silence: Error { let log: String }

    var isRunning: Bool { process.isRunning }
    var logText: String { output.text }
}

/// What a program wrote so far, and word of more.
private final class ProgramOutput: Sendable {
    private struct State {
        var bytes = Data()
        var hasEnded = false
        var grown = Latch()
    }

    let pipe = Pipe()
    private let state = Mutex(State())

    /// Reads on a thread until the program has ended. With a `readabilityHandler` libdispatch's
    /// event loop once met a source that was gone, and took the whole test run with it.
    func read() {
        Thread.detachNewThread { [self] in
            while !hasEnded { append(pipe.fileHandleForReading.availableData) }
        }
    }

    private func append(_ data: Data) {
        let grown = state.withLock { state in
            state.bytes.append(data)
            state.hasEnded = data.isEmpty
            defer { state.grown = Latch() }
            return state.grown
        }
        grown.open()
    }

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    /// Opens with the next piece; take it before looking at the text.
    var grown: Latch { state.withLock { $0.grown } }
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
