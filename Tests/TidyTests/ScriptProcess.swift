import Foundation

/// A finished run of one of the scripts in `deploy`.
struct ScriptProcess {
    let status: Int32
    /// Standard output and standard error together.
    let output: String

    init(_ script: URL, _ arguments: [String]) throws {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = script
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        output = String(decoding: bytes, as: UTF8.self)
        status = process.terminationStatus
    }
}
