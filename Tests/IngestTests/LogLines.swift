import Runtime
import Synchronization

/// The lines that were logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    private let logged = WakeSignal()

    var sink: LogSink {
        LogSink { line in
            self.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
            self.logged.wake()
        }
    }

    func containing(_ text: String) -> [String] {
        lines.withLock { lines in lines.filter { $0.contains(text) } }
    }

    /// Returns when a line with this text has been logged.
    func wait(for text: String) async {
        while true {
            let next = logged.next()
            if !containing(text).isEmpty { return }
            await next.wait()
        }
    }
}
