import Foundation
import JSON
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

    /// The number of this name in the first line of its log that holds this text.
    func number(_ name: String, inLineWith text: String) async throws -> Int {
        let line = try JSON(parsing: try await line(with: text))
        return try XCTUnwrap(line[name]?.int)
    }

    struct Silence: Error { let log: String }

    var isRunning: Bool { process.isRunning }
    var logText: String { output.text }
}

/// The output of a program so far, and a latch that opens when there is more.
private final class ProgramOutput: Sendable {
    private struct State {
        var bytes = Data()
        var hasEnded = false
        var grown = Latch()
    }

    let pipe = Pipe()
    private let state = Mutex(State())

    /// Reads on a thread until the program has ended. A `readabilityHandler` once crashed the whole
    /// test run inside libdispatch.
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
