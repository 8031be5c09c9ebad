import CMalloc

/// The C heap below Swift's.
public enum Heap {
    /// Lets all threads share one arena (mallopt(3)). glibc makes eight for each core otherwise,
    /// and memory that one thread allocates and another frees is then rarely used again. A worker
    /// that settled a million events on two cores used 126 MB and growing with eight arenas for
    /// each core, 76 MB and constant with one, at the same rate.
    ///
    /// Called before the process has threads.
    public static func shareOneArena() {
        mallopt(M_ARENA_MAX, 1)
    }
}
