import Glibc
import Postgres

/// Seconds that processes have computed, by the kernel. Says where the time of a benchmark goes,
/// also on a machine that is busy with other things.
struct ComputingTime {
    private var program: Double
    private var server: [Int32: Double]

    /// Of a program, and of every process of the server.
    init(of child: Child, on database: Database) async throws {
        program = Self.seconds(of: child.id)
        server = [:]
        let ids = try await database.pool.query("SELECT pid FROM pg_stat_activity")
            .decoded(Int32.self)
        for id in ids { server[id] = Self.seconds(of: id) }
    }

    /// For the log: what was computed since `earlier`, for each of so many requests.
    func since(_ earlier: ComputingTime, per count: Int, _ name: String) -> String {
        let mine = (program - earlier.program) / Double(max(1, count))
        let servers = server.reduce(0.0) { $0 + $1.value - (earlier.server[$1.key] ?? 0) }
        return "\(name) \(short(mine * 1e6)) us, Postgres "
            + "\(short(servers / Double(max(1, count)) * 1e6)) us of computing time each"
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
func say(_ text: String) {
    let line = Array("bench: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
