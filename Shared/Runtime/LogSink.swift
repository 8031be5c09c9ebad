import Glibc
import Synchronization

/// The destination of log lines. Lines from many threads never interleave: one is written whole
/// before the next begins.
public struct LogSink: Sendable {
    let write: @Sendable ([UInt8]) -> Void

    /// A sink that passes each line to `write`, whole with its line end, one at a time.
    public init(_ write: @escaping @Sendable ([UInt8]) -> Void) {
        let writing = Mutex(())
        self.write = { line in writing.withLock { _ in write(line) } }
    }

    public static let standardError = LogSink { writeWhole($0, to: STDERR_FILENO) }

    /// A line that cannot be written is dropped: there is no other place to report it, and the
    /// service must go on.
    private static func writeWhole(_ line: [UInt8], to descriptor: Int32) {
        line.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.startPointer, rest.count)
                if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
            }
        }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    fileprivate var startPointer: UnsafeRawPointer? {
        UnsafeRawBufferPointer(rebasing: self).baseAddress
    }
}
