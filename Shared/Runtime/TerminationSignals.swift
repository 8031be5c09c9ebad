import Dispatch
import Glibc

/// What the operating system says to a process: SIGTERM and SIGINT.
public enum TerminationSignals {
    /// The first SIGTERM or SIGINT opens `stop`; the second ends the process at once with the
    /// status a shell expects (128 + the signal's number). Leases expire by themselves.
    ///
    /// SIGPIPE is ignored from here on: a peer that went away is an error of the write.
    /// Call it once, before anything else starts.
    public static func open(_ stop: Latch) {
        signal(SIGPIPE, SIG_IGN)
        let queue = DispatchQueue(label: "liaison.signals")
        for number in [SIGTERM, SIGINT] {
            // Dispatch sees a signal only when its default action is out of the way.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if stop.isOpen { _exit(128 + number) }
                stop.open()
                // The source holds itself: it lives as long as the process.
                withExtendedLifetime(source) {}
            }
            source.activate()
        }
    }
}
