import Glibc

/// Reads the clock of all deadlines. It never jumps.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Converts a time-out, which is at least zero and at most a day here.
func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = min(max(duration, .zero), .seconds(86_400)).components
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
}

extension Duration {
    /// The whole seconds of a header field, rounded up.
    var wholeSecondsUp: Int64 {
        let (seconds, attoseconds) = components
        return attoseconds > 0 ? seconds + 1 : seconds
    }
}
