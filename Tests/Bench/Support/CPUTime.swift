import Glibc
import Postgres

/// CPU time that processes have used, by the kernel. It shows where the time of a benchmark goes,
/// also on a machine that is busy with other work.
struct CPUTime {
    private var programs: Duration
    private var server: [Int32: Duration]

    /// Reads the time of a program and of every process of the server.
    init(of child: ChildProcess, on database: BenchDatabase) async throws {
        try await self.init(of: [child], on: database)
    }

    /// Reads the time of several programs together and of every process of the server.
    init(of children: [ChildProcess], on database: BenchDatabase) async throws {
        programs = children.map { Self.used(by: $0.id) }.reduce(.zero, +)
        server = [:]
        let ids = try await database.pool.query("SELECT pid FROM pg_stat_activity")
            .decoded(Int32.self)
        for id in ids { server[id] = Self.used(by: id) }
    }

    /// A text that tells the time used since `earlier` for each of `count` requests or events.
    func text(since earlier: CPUTime, per count: Int, _ name: String) -> String {
        let used = used(since: earlier)
        func each(_ time: Duration) -> String {
            short(time.seconds * 1e6 / Double(max(1, count)))
        }
        return
            "\(name) \(each(used.programs)) us, Postgres \(each(used.server)) us of CPU time each"
    }

    /// The time used since `earlier`. A process of the server that has ended meanwhile is missing.
    func used(since earlier: CPUTime) -> (programs: Duration, server: Duration) {
        let servers = server.reduce(.zero) { $0 + $1.value - (earlier.server[$1.key] ?? .zero) }
        return (programs - earlier.programs, servers)
    }

    /// Adds fields 14 and 15 of the kernel's line. The name in parentheses may contain spaces.
    private static func used(by id: pid_t) -> Duration {
        let line = TextFile.read("/proc/\(id)/stat") ?? ""
        let fields = line.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { return .zero }
        return .seconds((user + system) / Double(sysconf(Int32(_SC_CLK_TCK))))
    }
}
