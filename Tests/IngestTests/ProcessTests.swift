import Foundation
import Glibc
import JSON
import XCTest

/// The real executable, as a process of its own.
final class ProcessTests: XCTestCase {
    private static let environment = [
        "LIAISON_DATABASE_URL": "host=127.0.0.1 port=1 dbname=nowhere",
        "LIAISON_MASTER_KEY": String(repeating: "A", count: 43) + "=",
        "LIAISON_INGEST_HOST": "127.0.0.1", "LIAISON_INGEST_PORT": "0",
        "LIAISON_INGEST_OPERATIONS_PORT": "0",
    ]

    func testAConfigurationThatCannotBeUsedEndsItWithEveryProblem() throws {
        let ingest = try start(["LIAISON_INGEST_PORT": "x"])
        ingest.process.waitUntilExit()
        XCTAssertEqual(ingest.process.terminationStatus, 78)
        let problems = ingest.rest().compactMap { $0["problem"]?.string }
        XCTAssertEqual(problems.count, 3, "\(problems)")
    }

    func testATerminationSignalEndsItWell() throws {
        for number in [SIGTERM, SIGINT] {
            let ingest = try start(Self.environment)
            _ = try ingest.listening()
            kill(ingest.process.processIdentifier, number)
            ingest.process.waitUntilExit()
            XCTAssertEqual(ingest.process.terminationStatus, 0)
            XCTAssertEqual(ingest.rest().last?["msg"]?.string, "stopped")
        }
    }

    func testASecondTerminationSignalEndsItAtOnce() async throws {
        let ingest = try start(Self.environment)
        let operations = try ingest.listening().operations
        // A request that has no end yet keeps the first stop waiting.
        let socket = try operations.beginRequest()
        defer { close(socket) }
        kill(ingest.process.processIdentifier, SIGTERM)
        // The stop has begun when the process says so or has closed the port.
        while let ready = try? await operations.send("GET", "/readyz"),
            !ready.body.contains("Stopping")
        {}
        kill(ingest.process.processIdentifier, SIGTERM)
        ingest.process.waitUntilExit()
        XCTAssertEqual(ingest.process.terminationStatus, 128 + SIGTERM)
    }

    private func start(_ environment: [String: String]) throws -> RunningIngest {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
            .deletingLastPathComponent().appendingPathComponent("ingest")
        process.environment = environment
        let output = Pipe()
        process.standardError = output
        try process.run()
        addTeardownBlock { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
        return RunningIngest(process: process, output: output.fileHandleForReading)
    }
}

private struct RunningIngest {
    let process: Process
    let output: FileHandle

    /// Reads up to the line that tells the ports.
    func listening() throws -> (publicPort: RawHTTP, operations: RawHTTP) {
        while let line = try line() {
            guard line["msg"] == "listening", let port = line["port"]?.int,
                let operationsPort = line["operations_port"]?.int
            else { continue }
            return (RawHTTP(port: port), RawHTTP(port: operationsPort))
        }
        throw RawHTTP.Failed(reason: "it ended before it listened")
    }

    func rest() -> [JSON] {
        let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
        return text.split(separator: "\n").compactMap { try? JSON(parsing: String($0)) }
    }

    private func line() throws -> JSON? {
        var bytes: [UInt8] = []
        while let byte = try output.read(upToCount: 1)?.first {
            if byte == UInt8(ascii: "\n") { return try JSON(parsing: bytes) }
            bytes.append(byte)
        }
        return nil
    }
}
