import Glibc
import Postgres

/// Seconds that processes have computed, by the kernel. Says where the time of a benchmark goes,
/// also on a machine that is busy with other things.
struct CPUTime {
    private var program: Double
    private var server: [Int32: Double]

    /// Of a program, and of every process of the server.
    init(of child: ChildProcess, on database: BenchDatabase) async throws {
        try await self.init(of: [child], on: database)
    }

    /// Of several programs together, and of every process of the server.
    init(of children: [ChildProcess], on database: BenchDatabase) async throws {
        program = children.map { Self.seconds(of: $0.id) }.reduce(0, +)
        server = [:]
        let ids = try await database.pool.query("SELECT pid FROM pg_stat_activity")
            .decoded(Int32.self)
        for id in ids { server[id] = Self.seconds(of: id) }
    }

    /// For the log: what was computed since `earlier`, for each of so many requests.
    func since(_ earlier: CPUTime, per count: Int, _ name: String) -> String {
        let (mine, servers) = seconds(since: earlier)
        let each = 1e6 / Double(max(1, count))
        return "\(name) \(short(mine * each)) us, Postgres \(short(servers * each)) us of "
            + "computing time each"
    }

    /// What was computed since `earlier`.
    func seconds(since earlier: CPUTime) -> (program: Double, server: Double) {
        let servers = server.reduce(0.0) { $0 + $1.value - (earlier.server[$1.key] ?? 0) }
        return (program - earlier.program, servers)
    }

    /// Fields 14 and 15 of the kernel's line; the name in parentheses may hold blanks.
    private static func seconds(of id: pid_t) -> Double {
        let line = TextFile.read("/proc/\(id)/stat") ?? ""
        let fields = line.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// To the person who waits.
func printProgress(_ text: String) {
    let line = Array("bench: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
