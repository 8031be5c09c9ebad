/// A running `ingest`.
struct IngestProcess {
    let child: Child
    let port: Int

    static func start(in laboratory: Laboratory, on database: Database) async throws -> Self {
        let port = LoopbackAddress.freePort()
        let operations = LoopbackAddress.freePort()
        let child = try await laboratory.start(
            "ingest",
            [
                "DATABASE_URL": database.address.connectionString,
                "MASTER_KEY": laboratory.masterKeyHex,
                "INGEST_HOST": "127.0.0.1", "INGEST_PORT": "\(port)",
                "INGEST_OPERATIONS_PORT": "\(operations)",
            ], readyAt: "http://127.0.0.1:\(operations)/readyz")
        return IngestProcess(child: child, port: port)
    }
}
