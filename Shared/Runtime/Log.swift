/// Writes one JSON object a line: `time`, `level`, `msg`, `logger`, then the fields in the order
/// given. Values are cut at ``valueBytesMax`` and everything that a terminal or a log reader could
/// take for a control character is escaped, so one call is always exactly one line.
public struct Log: Sendable {
    public enum Level: String, CaseIterable, Comparable, Sendable {
        case debug, info, warning, error

        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .debug: 0
            case .info: 1
            case .warning: 2
            case .error: 3
            }
        }
    }

    public typealias Fields = KeyValuePairs<String, LogValue>

    /// Longer texts are cut here and end in `…`.
    public static let valueBytesMax = 2048

    public let name: String
    public let level: Level
    private let sink: LogSink

    /// - Parameters:
    ///   - name: the part of the program that speaks; becomes `logger`.
    ///   - level: calls below it cost one comparison and write nothing.
    public init(_ name: String, level: Level = .info, to sink: LogSink = .standardError) {
        self.name = name
        self.level = level
        self.sink = sink
    }

    public func debug(_ message: @autoclosure () -> String, _ fields: Fields = [:]) {
        write(.debug, message, fields)
    }

    public func info(_ message: @autoclosure () -> String, _ fields: Fields = [:]) {
        write(.info, message, fields)
    }

    public func warning(_ message: @autoclosure () -> String, _ fields: Fields = [:]) {
        write(.warning, message, fields)
    }

    public func error(_ message: @autoclosure () -> String, _ fields: Fields = [:]) {
        write(.error, message, fields)
    }

    private func write(_ level: Level, _ message: () -> String, _ fields: Fields) {
        guard level >= self.level else { return }
        let line = LogLine.render(
            time: WallTime.now(), level: level, message: message(), logger: name, fields: fields)
        sink.write(line)
    }
}
