import Glibc

/// How many files and sockets this process may have open at once.
public enum OpenFiles {
    /// Asks for at least so many. Shells allow 1024 by default, which is fewer than a door may have
    /// clients; the most that may be asked for is the system's to say.
    public static func allow(_ count: Int) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < count else { return }
        limit.rlim_cur = min(rlim_t(count), limit.rlim_max)
        setrlimit(resource, &limit)
    }
}
