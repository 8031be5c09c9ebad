import Glibc

/// The number of files and sockets that this process may have open at once.
public enum OpenFiles {
    /// Raises the limit to `count`, or to the system's maximum. Shells allow 1024 by default, fewer
    /// than a server may have clients.
    public static func allow(_ count: Int) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < count else { return }
        limit.rlim_cur = min(rlim_t(count), limit.rlim_max)
        setrlimit(resource, &limit)
    }
}
