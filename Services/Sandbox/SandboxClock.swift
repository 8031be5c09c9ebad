import Glibc
import Models
import Synchronization

/// The clock of the stand-ins: the machine's time or a stopped one. Both can be moved forward, so
/// that a test need not wait.
public final class SandboxClock: Sendable {
    private let base: @Sendable () -> Int64
    private let offsetMilliseconds = Mutex<Int64>(0)
    /// True if time passes by itself.
    let runs: Bool

    private init(runs: Bool, base: @escaping @Sendable () -> Int64) {
        self.runs = runs
        self.base = base
    }

    public static func system() -> SandboxClock {
        SandboxClock(runs: true) {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        }
    }

    /// A clock that moves only by ``advance(by:)``.
    public static func standing(atMilliseconds start: Int64) -> SandboxClock {
        SandboxClock(runs: false) { start }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var milliseconds: Int64 { base() + offsetMilliseconds.withLock { $0 } }

    public func advance(by duration: Duration) {
        offsetMilliseconds.withLock { $0 += Int64(duration / .milliseconds(1)) }
    }

    func now() -> Timestamp { Timestamp(milliseconds: milliseconds) }
}
