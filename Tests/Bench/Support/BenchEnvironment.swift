import Crypto
import Glibc
import HTTP
import Models
import Postgres
import Store

/// Why a benchmark could not run.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What every benchmark works with: a Postgres server, the programs and a folder.
struct BenchEnvironment {
    /// The server, with the rights to make databases.
    let server: Address
    /// Where `ingest`, `worker`, `sandbox` and this program are.
    let programs: String
    let pgbench: String
    /// For logs; emptied by the caller.
    let folder: String
    let http: HTTPClient
    /// Seals the secrets of the benchmarks' connections.
    let masterKey: [UInt8]
    /// For the benchmark that may take as long as somebody wants.
    let minutes: Double

    init(
        server: Address, programs: String, pgbench: String, folder: String, minutes: Double = 1
    ) throws(HTTPClientSetupError) {
        self.server = server
        self.programs = programs
        self.pgbench = pgbench
        self.folder = folder
        self.minutes = minutes
        var limits = HTTPClientLimits()
        limits.responseBytesMax = 256 << 20
        http = try HTTPClient(limits: limits)
        masterKey = SecureRandom.bytes(AESGCM.keyByteCount)
    }

    /// A database of its own, migrated and configured.
    func database(_ name: String, _ configuration: Configuration) async throws -> BenchDatabase {
        let session = Session(to: server)
        try await session.open()
        try await session.query(
            "DROP DATABASE IF EXISTS \(unescaped: name) WITH (FORCE)", deadlineSeconds: 30)
        try await session.query(
            "CREATE DATABASE \(unescaped: name) TEMPLATE template0", deadlineSeconds: 30)
        await session.close()
        guard let address = server.database(name) else {
            throw BenchFailure("no address for the database \(name)")
        }
        let database = BenchDatabase(
            name: name, address: address, secretKeys: try SecretKeys(masterKey))
        let migration = try ChildProcess(
            "\(programs)/console", ["migrate"],
            environment: ["LIAISON_DATABASE_URL": address.connectionString],
            log: "\(folder)/console.log")
        try migration.finish(withinSeconds: 30)
        _ = try await database.store.apply(configuration, by: "bench")
        return database
    }

    /// Nothing of a benchmark stays behind, and its dirty pages do not slow the next one down.
    func drop(_ database: BenchDatabase) async throws {
        database.pool.close()
        let session = Session(to: server)
        try await session.open()
        try await session.query(
            "DROP DATABASE IF EXISTS \(unescaped: database.name) WITH (FORCE)", deadlineSeconds: 30)
        await session.close()
    }

    func pgbench(on database: BenchDatabase) -> PgBench {
        PgBench(program: pgbench, url: database.address.connectionString, folder: folder)
    }

    /// Starts a program of this project and waits until it says that it is ready.
    /// - Parameter log: what its log is called, where several of a program run.
    func start(
        _ program: String, _ settings: [String: String], readyAt url: String, log: String? = nil
    ) async throws -> ChildProcess {
        let environment = Dictionary(
            uniqueKeysWithValues: settings.map { ("LIAISON_\($0.key)", $0.value) })
        let child = try ChildProcess(
            "\(programs)/\(program)", [], environment: environment,
            log: "\(folder)/\(log ?? program).log")
        let end = monotonicNanoseconds() + nanoseconds(10)
        while monotonicNanoseconds() < end {
            try child.checkRunning()
            let request = HTTPClientRequest(method: "GET", url: url, timeoutSeconds: 1)
            if let answer = try? await http.send(request), answer.status == 200 { return child }
            await pause(seconds: 0.02)
        }
        throw BenchFailure("\(program) was not ready within 10 seconds")
    }

    /// A number that a program tells on `/metrics`, without its prefix; the sum over all labels.
    func metric(_ name: String, at operationsURL: String) async throws -> Double {
        let request = HTTPClientRequest(method: "GET", url: "\(operationsURL)/metrics")
        let text = String(decoding: try await http.send(request).body, as: UTF8.self)
        let lines = text.split(separator: "\n").filter {
            $0.hasPrefix("liaison_\(name) ") || $0.hasPrefix("liaison_\(name){")
        }
        return lines.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
            .reduce(0, +)
    }

    /// What a program that works on this database is told.
    func settings(for database: BenchDatabase) -> [String: String] {
        [
            "DATABASE_URL": database.address.connectionString,
            "MASTER_KEY": Base64.encode(masterKey),
        ]
    }
}

/// A benchmark's database.
struct BenchDatabase {
    let name: String
    let address: Address
    let pool: Pool
    let store: Store

    init(name: String, address: Address, secretKeys: SecretKeys) {
        self.name = name
        self.address = address
        var limits = PoolLimits()
        limits.waitSecondsMax = 60
        limits.session.statementSecondsMax = 60
        pool = Pool(address, limits: limits)
        store = Store(pool, secretKeys: secretKeys)
    }

    /// The only column of the only row.
    func number(_ statement: SQL) async throws -> Int64 {
        guard let number = try await pool.query(statement).decoded(Int64.self).first else {
            throw BenchFailure("no number was answered")
        }
        return number
    }
}
