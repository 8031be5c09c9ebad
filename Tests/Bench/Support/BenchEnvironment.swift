import Crypto
import Glibc
import HTTP
import Models
import Postgres
import Store

/// A benchmark could not run; the description says why.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The parts that every benchmark uses: a Postgres server, the programs and a folder.
struct BenchEnvironment {
    /// The server, as a user that may create databases.
    let server: Address
    /// The folder that holds `ingest`, `worker`, `sandbox`, `console` and this program.
    let programs: String
    let pgbench: String
    /// The folder of the logs. The caller deletes it.
    let folder: String
    let http: HTTPClient
    /// The key that encrypts the secrets of the benchmarks' connections.
    let masterKey: [UInt8]
    /// The duration of `soak`.
    let soakDuration: Duration

    init(
        server: Address, programs: String, pgbench: String, folder: String, soakDuration: Duration
    ) throws(HTTPClientSetupError) {
        self.server = server
        self.programs = programs
        self.pgbench = pgbench
        self.folder = folder
        self.soakDuration = soakDuration
        var limits = HTTPClientLimits()
        limits.responseBytesMax = 256 << 20
        http = try HTTPClient(limits: limits)
        masterKey = SecureRandom.bytes(AESGCM.keyByteCount)
    }

    /// Creates a database, migrates it and applies the configuration.
    func database(_ name: String, _ configuration: Configuration) async throws -> BenchDatabase {
        let session = Session(to: server)
        try await session.open()
        try await session.query(
            "DROP DATABASE IF EXISTS \(unescaped: name) WITH (FORCE)", timeout: .seconds(30))
        try await session.query(
            "CREATE DATABASE \(unescaped: name) TEMPLATE template0", timeout: .seconds(30))
        await session.close()
        guard let address = server.database(name) else {
            throw BenchFailure("no address for the database \(name)")
        }
        let database = BenchDatabase(
            name: name, address: address, secretKeys: try SecretKeys(masterKey))
        let migration = try ChildProcess(
            "\(programs)/console", ["migrate"],
            variables: ["LIAISON_DATABASE_URL": address.connectionString],
            log: "\(folder)/console.log")
        try migration.finish(within: .seconds(30))
        _ = try await database.store.apply(configuration, by: "bench")
        return database
    }

    /// Drops a benchmark's database, so that its dirty pages do not slow the next benchmark down.
    func drop(_ database: BenchDatabase) async throws {
        database.pool.close()
        let session = Session(to: server)
        try await session.open()
        try await session.query(
            "DROP DATABASE IF EXISTS \(unescaped: database.name) WITH (FORCE)",
            timeout: .seconds(30))
        await session.close()
    }

    func pgbench(on database: BenchDatabase) -> PgBench {
        PgBench(program: pgbench, url: database.address.connectionString, folder: folder)
    }

    /// Starts a program of this project and waits until it answers that it is ready.
    /// - Parameter log: the name of its log, where several processes of one program run.
    func start(
        _ program: String, _ settings: [String: String], readyAt url: String, log: String? = nil
    ) async throws -> ChildProcess {
        let variables = Dictionary(
            uniqueKeysWithValues: settings.map { ("LIAISON_\($0.key)", $0.value) })
        let child = try ChildProcess(
            "\(programs)/\(program)", [], variables: variables,
            log: "\(folder)/\(log ?? program).log")
        let deadline = ContinuousClock.now + .seconds(10)
        while .now < deadline {
            try child.checkRunning()
            let request = HTTPClientRequest(method: "GET", url: url, timeout: .seconds(1))
            if let answer = try? await http.send(request), answer.status == 200 { return child }
            await pause(for: .milliseconds(20))
        }
        throw BenchFailure(
            "\(program) was not ready within 10 s; its log ends with: \(child.logEnd)")
    }

    /// Reads a metric from `/metrics`, named without the prefix, and adds up its labels.
    func metric(_ name: String, at operationsURL: String) async throws -> Double {
        let request = HTTPClientRequest(method: "GET", url: "\(operationsURL)/metrics")
        let text = String(decoding: try await http.send(request).body, as: UTF8.self)
        let lines = text.split(separator: "\n").filter {
            $0.hasPrefix("liaison_\(name) ") || $0.hasPrefix("liaison_\(name){")
        }
        return lines.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
            .reduce(0, +)
    }

    /// The settings of a program that uses this database.
    func settings(for database: BenchDatabase) -> [String: String] {
        [
            "DATABASE_URL": database.address.connectionString,
            "MASTER_KEY": Base64.encode(masterKey),
        ]
    }
}
