/// A running `ingest`.
struct IngestProcess {
    let child: ChildProcess
    let port: Int
    let operationsURL: String

    static func start(in environment: BenchEnvironment, on database: BenchDatabase) async throws
        -> Self
    {
        let port = LoopbackAddress.freePort()
        let operations = LoopbackAddress.freePort()
        let url = "http://127.0.0.1:\(operations)"
        let settings = environment.settings(for: database).merging([
            "INGEST_HOST": "127.0.0.1", "INGEST_PORT": "\(port)",
            "INGEST_OPERATIONS_PORT": "\(operations)",
        ]) { $1 }
        let child = try await environment.start("ingest", settings, readyAt: "\(url)/readyz")
        return IngestProcess(child: child, port: port, operationsURL: url)
    }
}
