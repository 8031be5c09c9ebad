import HTTP

/// A running `worker` with default settings.
struct WorkerProcess {
    /// The lanes that it leases of one connection by default.
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

    /// The settle-and-lease round trips so far and their total time, from the worker's metrics.
    func exchanges(via http: HTTPClient) async throws -> (count: Double, time: Duration) {
        let request = HTTPClientRequest(method: "GET", url: "\(operationsURL)/metrics")
        let text = String(decoding: try await http.send(request).body, as: UTF8.self)
        func value(_ suffix: String) -> Double {
            let line = text.split(separator: "\n").first {
                !$0.hasPrefix("#") && $0.contains("exchange_seconds_\(suffix)")
            }
            return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
        }
        return (value("count"), .seconds(value("sum")))
    }
}
