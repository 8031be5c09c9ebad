/// All problems of a process's configuration, one line each.
///
/// No line repeats the value of a secret.
public struct ConfigurationProblems: Error, Equatable, Sendable, CustomStringConvertible {
    public let lines: [String]

    public var description: String { lines.joined(separator: "\n") }

    /// Logs each problem as a line of its own.
    public func write(to log: Log) {
        for line in lines { log.error("configuration is not valid", ["problem": "\(line)"]) }
    }
}
