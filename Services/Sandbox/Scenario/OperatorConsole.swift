import Foundation  // Process.
import JSON

/// The console, run as an operator runs it: its own program, for one command.
struct OperatorConsole: Sendable {
    let program: String

    /// The lines that it prints. What it complains about goes to our own standard error.
    func lines(_ arguments: [String]) throws(ScenarioError) -> [String] {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            throw .unreachable("\(program) does not start: \(error)")
        }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw .unexpected(
                "console \(arguments.joined(separator: " ")): status \(process.terminationStatus)")
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The log, oldest first.
    func events() throws(ScenarioError) -> [JSON] {
        try lines(["events", "--json", "--limit", "1000"]).reversed().map(Self.parsed)
    }

    /// All about one event.
    func event(_ id: String) throws(ScenarioError) -> JSON {
        try Self.parsed(lines(["event", id, "--json"]).first ?? "")
    }

    private static func parsed(_ line: String) throws(ScenarioError) -> JSON {
        do {
            return try JSON(parsing: line)
        } catch {
            throw .unexpected("the console printed \"\(line.prefix(80))\", which is not JSON")
        }
    }
}
