import Glibc

/// PostgreSQL's own load generator, which measures the yardsticks.
struct PgBench {
    struct Run {
        var script: String
        var clients: Int
        var end: End
        /// The mean rate of a Poisson process, by which transactions are due; nil for as fast as
        /// possible. Latency then begins when a transaction is due.
        var ratePerSecond: Double?
        var variables: [String: String] = [:]
    }

    enum End {
        /// The run ends after this time, in whole seconds.
        case after(Duration)
        case transactionsOfEachClient(Int)
    }

    struct Result {
        var transactionsPerSecond: Double
        var latency = Histogram()
    }

    let program: String
    var url: String
    /// The folder of the scripts and logs.
    let folder: String

    /// - Parameter keepsLatency: pgbench logs each transaction, which costs some time.
    func run(_ run: Run, keepsLatency: Bool = false) throws -> Result {
        let script = "\(folder)/pgbench.sql"
        let prefix = "\(folder)/latency"
        TextFile.write(run.script, to: script)
        var arguments = [
            "-n", "-M", "prepared", "-f", script,
            "-c", "\(run.clients)", "-j", "\(min(2, run.clients))",
        ]
        switch run.end {
        case .after(let duration): arguments += ["-T", "\(Int(duration.seconds))"]
        case .transactionsOfEachClient(let count): arguments += ["-t", "\(count)"]
        }
        if let rate = run.ratePerSecond { arguments += ["-R", short(rate)] }
        if keepsLatency { arguments += ["-l", "--log-prefix", prefix] }
        for (name, value) in run.variables { arguments += ["-D", "\(name)=\(value)"] }
        let child = try ChildProcess(program, arguments + [url], log: "\(folder)/pgbench.log")
        try child.finish(within: .seconds(60))
        guard let rate = Self.rate(TextFile.read(child.log) ?? "") else {
            throw BenchFailure("pgbench printed no rate; its log ends with: \(child.logEnd)")
        }
        var result = Result(transactionsPerSecond: rate)
        if keepsLatency { result.latency = Self.latency(prefix, of: child) }
        return result
    }

    /// Reads the line `tps = 20123.456789 (without initial connection time)`.
    private static func rate(_ text: String) -> Double? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("tps = ") }
        return line?.dropFirst(6).split(separator: " ").first.flatMap { Double($0) }
    }

    /// Reads lines of `client transaction microseconds ...`. The second thread has its own file.
    private static func latency(_ prefix: String, of child: ChildProcess) -> Histogram {
        var histogram = Histogram()
        for suffix in ["", ".1"] {
            let path = "\(prefix).\(child.id)\(suffix)"
            for line in (TextFile.read(path) ?? "").utf8.split(separator: UInt8(ascii: "\n")) {
                let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 3)
                guard fields.count > 2, let microseconds = UInt64(Substring(fields[2])) else {
                    continue
                }
                histogram.record(nanoseconds: microseconds * 1000)
            }
            unlink(path)
        }
        return histogram
    }
}
