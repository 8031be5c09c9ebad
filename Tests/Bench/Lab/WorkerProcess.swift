/// A running `worker`, as it is configured by default.
struct WorkerProcess {
    /// What it leases at a time by default.
    static let lanesMax = 64
    static let jobsPerLaneMax = 32

    let child: Child

    static func start(
        in laboratory: Laboratory, on database: Database
    ) async throws -> Self {
        let operations = LoopbackAddress.freePort()
        let settings = laboratory.settings(for: database).merging([
            "WORKER_NAME": "bench", "WORKER_OPERATIONS_PORT": "\(operations)",
        ]) { $1 }
        let child = try await laboratory.start(
            "worker", settings, readyAt: "http://127.0.0.1:\(operations)/readyz")
        return WorkerProcess(child: child)
    }
}
