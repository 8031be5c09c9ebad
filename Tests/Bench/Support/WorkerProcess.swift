import HTTP

/// A running `worker`, as it is configured by default.
struct WorkerProcess {
    /// What it leases of one connection by default.
    static let lanesMax = 256
    static let jobsPerLaneMax = 32

    let child: ChildProcess
    let operationsURL: String

    static func start(
        in environment: BenchEnvironment, on database: BenchDatabase, name: String = "bench"
    ) async throws -> Self {
        let operations = LoopbackAddress.freePort()
        let url = "http://127.0.0.1:\(operations)"
        let settings = environment.settings(for: database).merging([
            "WORKER_NAME": name, "WORKER_OPERATIONS_PORT": "\(operations)",
        ]) { $1 }
        let child = try await environment.start(
            "worker", settings, readyAt: "\(url)/readyz", log: "worker-\(name)")
        return WorkerProcess(child: child, operationsURL: url)
    }

    /// Round trips of settling and leasing so far, and their time together, as it tells them.
    func exchanges(askedWith http: HTTPClient) async throws -> (count: Double, seconds: Double) {
        let request = HTTPClientRequest(method: "GET", url: "\(operationsURL)/metrics")
        let text = String(decoding: try await http.send(request).body, as: UTF8.self)
        func value(_ suffix: String) -> Double {
            let line = text.split(separator: "\n").first {
                !$0.hasPrefix("#") && $0.contains("exchange_seconds_\(suffix)")
            }
            return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
        }
        return (value("count"), value("sum"))
    }
}
