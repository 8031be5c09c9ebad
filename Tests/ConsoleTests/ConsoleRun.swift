import Foundation  // Temporary folders; XCTest brings it anyway.
import Synchronization
import XCTest

@testable import Console

/// The output and the exit status of one command.
struct ConsoleRun {
    let status: Int32
    let output: [String]
    let errors: [String]

    var everything: String { (output + errors).joined(separator: "\n") }

    static func of(
        _ arguments: String..., environment: [String: String] = [:]
    ) async -> ConsoleRun {
        await of(arguments, environment: environment)
    }

    static func of(_ arguments: [String], environment: [String: String]) async -> ConsoleRun {
        let output = Lines()
        let errors = Lines()
        let status = await Console.run(
            arguments: arguments, environment: environment, output: output.append,
            error: errors.append)
        return ConsoleRun(status: status, output: output.all, errors: errors.all)
    }
}

private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    @Sendable func append(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

/// A folder that is removed after its test.
struct TemporaryFolder {
    let path: String

    init(for testCase: XCTestCase) throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("console-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        testCase.addTeardownBlock { try FileManager.default.removeItem(at: url) }
        path = url.path
    }

    /// - Returns: the file's path.
    func write(_ text: String, to name: String) throws -> String {
        try write(Array(text.utf8), to: name)
    }

    func write(_ bytes: [UInt8], to name: String) throws -> String {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return url.path
    }
}
