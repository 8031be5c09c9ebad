import Dispatch
import Glibc
import Synchronization

/// The signals that ask a process to stop: SIGTERM and SIGINT.
public enum TerminationSignals {
    /// The first SIGTERM or SIGINT opens `stop`; the second ends the process at once with the
    /// status a shell expects (128 + the signal's number). Leases expire by themselves.
    ///
    /// SIGPIPE is ignored from here on: writing to a closed connection is an error of the write.
    /// Call it once, before anything else starts; a later call takes the signals over.
    ///
    /// A signal handler may call few functions, so it writes the signal's number into a pipe that a
    /// thread reads. (A signal source of Dispatch loses signals that arrive before it is
    /// registered.)
    public static func open(_ stop: Latch) {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reader = ends[0]
        handlerPipe.store(ends[1], ordering: .releasing)
        for number in [SIGTERM, SIGINT] { signal(number, handler) }
        DispatchQueue(label: "liaison.signals").async { follow(reader, stop) }
    }

    private static func follow(_ reader: Int32, _ stop: Latch) {
        var number: UInt8 = 0
        while read(reader, &number, 1) == 1 || errno == EINTR {
            if stop.isOpen { _exit(128 + Int32(number)) }
            stop.open()
        }
    }
}

private let handlerPipe = Atomic<Int32>(-1)

private let handler: @convention(c) (Int32) -> Void = { number in
    var byte = UInt8(truncatingIfNeeded: number)
    write(handlerPipe.load(ordering: .acquiring), &byte, 1)
}
