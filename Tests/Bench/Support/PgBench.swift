import Glibc

/// PostgreSQL's own load generator: what the yardsticks are measured with.
struct PgBench {
    struct Run {
        var script: String
        var clients: Int
        var seconds: Int
        /// Instead of as fast as possible; due by a Poisson process, latency from when it was due.
        var ratePerSecond: Double?
        /// Ends after so many transactions of each client, in place of `seconds`.
        var transactions: Int?
        var variables: [String: String] = [:]
    }

    struct Result {
        var transactionsPerSecond: Double
        var latency = Histogram()
    }

    let program: String
    var url: String
    /// A folder for scripts and logs.
    let folder: String

    /// - Parameter keepsLatency: from a log of each transaction, which costs a little.
    func run(_ run: Run, keepsLatency: Bool = false) throws -> Result {
        let script = "\(folder)/pgbench.sql"
        let prefix = "\(folder)/latency"
        TextFile.write(run.script, to: script)
        var arguments = [
            "-n", "-M", "prepared", "-f", script,
            "-c", "\(run.clients)", "-j", "\(min(2, run.clients))",
        ]
        if let transactions = run.transactions {
            arguments += ["-t", "\(transactions)"]
        } else {
            arguments += ["-T", "\(run.seconds)"]
        }
        if let rate = run.ratePerSecond { arguments += ["-R", short(rate)] }
        if keepsLatency { arguments += ["-l", "--log-prefix", prefix] }
        for (name, value) in run.variables { arguments += ["-D", "\(name)=\(value)"] }
        let child = try ChildProcess(program, arguments + [url], log: "\(folder)/pgbench.log")
        try child.finish(withinSeconds: 60)
        guard let rate = Self.rate(TextFile.read(child.log) ?? "") else {
            throw BenchFailure("pgbench told no rate")
        }
        var result = Result(transactionsPerSecond: rate)
        if keepsLatency { result.latency = Self.latency(prefix, of: child) }
        return result
    }

    /// `tps = 20123.456789 (without initial connection time)`
    private static func rate(_ text: String) -> Double? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("tps = ") }
        return line?.dropFirst(6).split(separator: " ").first.flatMap { Double($0) }
    }

    /// `client transaction microseconds ...`; the second thread's file has a number more.
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
