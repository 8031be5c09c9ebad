import Glibc

/// Nanoseconds of the clock that never jumps.
func monotonicNanoseconds() -> UInt64 { read(CLOCK_MONOTONIC) }

/// Nanoseconds of CPU time that this thread has used.
func threadNanoseconds() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

private func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

extension Duration {
    /// Whole nanoseconds; zero if the duration is negative.
    var nanoseconds: UInt64 { UInt64(max(0, self / .nanoseconds(1))) }
    var seconds: Double { self / .seconds(1) }
    var milliseconds: Double { self / .milliseconds(1) }
}
