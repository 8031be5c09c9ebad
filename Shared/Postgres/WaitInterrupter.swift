import Glibc

/// Ends the wait of a session for notifications from any thread, once and for all.
final class WaitInterrupter: Sendable {
    /// Readable once it was used; below zero when the process has no descriptor left, and the wait
    /// lasts until its deadline.
    let descriptor: Int32
    private let writingEnd: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        _ = socketpair(AF_UNIX, Int32(type), 0, &ends)
        (descriptor, writingEnd) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(writingEnd)
    }

    func interrupt() {
        var byte: UInt8 = 1
        _ = write(writingEnd, &byte, 1)
    }
}
