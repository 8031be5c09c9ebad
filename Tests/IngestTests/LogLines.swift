import Runtime
import Synchronization

/// The lines that were logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var sink: LogSink {
        LogSink { line in
            self.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
        }
    }

    func containing(_ text: String) -> [String] {
        lines.withLock { lines in lines.filter { $0.contains(text) } }
    }
}
