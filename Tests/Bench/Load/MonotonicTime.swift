import Glibc

/// Nanoseconds of a clock that does not jump and that every process of the machine shares.
func monotonicNanoseconds() -> UInt64 { read(CLOCK_MONOTONIC) }

/// Nanoseconds since 1970.
func wallNanoseconds() -> UInt64 { read(CLOCK_REALTIME) }

private func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, seconds) * 1e9) }

/// Nanoseconds that this thread has computed: other processes' turns are not counted.
func threadNanoseconds() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }
