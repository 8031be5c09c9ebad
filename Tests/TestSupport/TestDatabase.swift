import Foundation  // XCTest brings it anyway; ProcessInfo reads the variable.
import Postgres
import Synchronization
import XCTest

/// A database that belongs to one test and is dropped after it.
public struct TestDatabase: Sendable {
    public static let variable = "LIAISON_TEST_DATABASE_URL"

    public let name: String
    public let address: Address
    /// A libpq connection string of this database, for programs that read one.
    public let url: String
    private let server: Address

    /// Makes a database in the server that `LIAISON_TEST_DATABASE_URL` names and drops it when
    /// `testCase` ends. A missing or wrong variable fails the test.
    ///
    /// - Parameter migrations: applied to a template once for each server; the template is copied.
    public static func make(
        for testCase: XCTestCase, migrations: [Migration] = [],
        file: StaticString = #filePath, line: UInt = #line
    ) async throws -> TestDatabase {
        guard let text = ProcessInfo.processInfo.environment[variable] else {
            XCTFail("\(variable) is not set: these tests need a PostgreSQL", file: file, line: line)
            throw TestDatabaseError.variableMissing
        }
        guard let server = Address(text) else {
            XCTFail("\(variable) is no libpq connection string", file: file, line: line)
            throw TestDatabaseError.variableUnreadable
        }
        let template = migrations.isEmpty ? nil : Template(migrations)
        let database = try await DatabaseStock.shared.take(from: template, on: server)
        testCase.addTeardownBlock { try await database.drop() }
        return database
    }

    private init(name: String, address: Address, url: String, server: Address) {
        self.name = name
        self.address = address
        self.url = url
        self.server = server
    }

    fileprivate static func create(
        from template: Template?, on server: Address
    ) async throws -> TestDatabase {
        let process = ProcessInfo.processInfo.processIdentifier
        let name = "test_\(process)_\(UInt32.random(in: 0...(.max)))"
        let template = try await template?.make(on: server)
        try await withSession(on: server) { session throws(PostgresError) in
            try await session.query(
                """
                CREATE DATABASE \(unescaped: name) \
                TEMPLATE \(unescaped: template ?? "template0") ENCODING 'UTF8'
                """, timeout: .seconds(60))
        }
        guard let address = server.database(name) else {
            throw TestDatabaseError.variableUnreadable
        }
        return TestDatabase(
            name: name, address: address, url: address.connectionString, server: server)
    }

    /// Uses the database that the URL names, which is not dropped.
    public init(existing url: String) throws {
        guard let address = Address(url) else { throw TestDatabaseError.variableUnreadable }
        self.init(name: "", address: address, url: url, server: address)
    }

    /// Ends all sessions and drops the database.
    public func drop() async throws {
        try await withSession(on: server) { session throws(PostgresError) in
            try await session.query(
                "DROP DATABASE IF EXISTS \(unescaped: name) WITH (FORCE)", timeout: .seconds(60))
        }
    }

    /// Ends all sessions and refuses new ones.
    public func shut() async throws {
        try await withSession(on: server) { session throws(PostgresError) in
            try await session.query("ALTER DATABASE \(unescaped: name) ALLOW_CONNECTIONS false")
            try await session.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = \(name)")
        }
    }

    public func reopen() async throws {
        try await withSession(on: server) { session throws(PostgresError) in
            try await session.query("ALTER DATABASE \(unescaped: name) ALLOW_CONNECTIONS true")
        }
    }

    public func pool(
        connectionsMax: Int = 8, waitersMax: Int = 256, mode: StatementMode = .prepared,
        statementSecondsMax: Double = 60
    ) -> Pool {
        var limits = PoolLimits()
        limits.waitersMax = waitersMax
        limits.session.mode = mode
        limits.connectionsMax = connectionsMax
        limits.waitMax = .seconds(60)
        limits.session.statementMax = .seconds(statementSecondsMax)
        return Pool(address, limits: limits)
    }
}

public enum TestDatabaseError: Error {
    case variableMissing
    case variableUnreadable
}

/// Makes the next database while a test uses the last one: a copy takes a tenth of a second.
private actor DatabaseStock {
    static let shared = DatabaseStock()

    private struct Kind: Hashable {
        let template: String?
        let server: String
    }

    private var ready: [Kind: Task<TestDatabase, any Error>] = [:]
    private let leftovers = Leftovers()

    func take(from template: Template?, on server: Address) async throws -> TestDatabase {
        await leftovers.observe()
        let kind = Kind(template: template?.name, server: server.connectionString)
        let next = ready[kind]
        ready[kind] = Task { try await TestDatabase.create(from: template, on: server) }
        guard let next else { return try await TestDatabase.create(from: template, on: server) }
        return try await next.value
    }

    func empty() async {
        for database in ready.values { try? await database.value.drop() }
        ready = [:]
    }
}

/// Drops the databases that no test took when all tests have run.
private final class Leftovers: NSObject, XCTestObservation, Sendable {
    private let isObserving = Mutex(false)

    @MainActor
    func observe() {
        let isFirst = isObserving.withLock { known in
            defer { known = true }
            return !known
        }
        if isFirst { XCTestObservationCenter.shared.addTestObserver(self) }
    }

    func testBundleDidFinish(_ testBundle: Bundle) {
        let dropped = DispatchSemaphore(value: 0)
        Task.detached {
            await DatabaseStock.shared.empty()
            dropped.signal()
        }
        dropped.wait()
    }
}

/// A migrated database to copy from. Its name is a hash of its migrations, and later processes find
/// it.
private struct Template: Sendable {
    let migrations: [Migration]
    let name: String

    init(_ migrations: [Migration]) {
        self.migrations = migrations
        // FNV-1a.
        let hash = migrations.flatMap { $0.script.utf8 }.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        name = "template_\(String(hash, radix: 16))"
    }

    func make(on server: Address) async throws -> String {
        try await withSession(on: server) { session throws(PostgresError) in
            // The lock ends with the session.
            try await session.query(
                "SELECT pg_advisory_lock(hashtext(\(name)))", timeout: .seconds(120))
            let known = try await session.query(
                "SELECT 1 FROM pg_database WHERE datname = \(name)")
            if known.isEmpty { try await create(with: session, on: server) }
        }
        return name
    }

    /// Renames the database when it is complete, so that a template that exists is complete.
    private func create(
        with session: Session, on server: Address
    ) async throws(PostgresError) {
        let draft = "draft_\(name)"
        try await session.query(
            "DROP DATABASE IF EXISTS \(unescaped: draft) WITH (FORCE)", timeout: .seconds(60))
        try await session.query(
            "CREATE DATABASE \(unescaped: draft) TEMPLATE template0 ENCODING 'UTF8'",
            timeout: .seconds(60))
        guard let address = server.database(draft) else {
            throw .unavailable("no address for the template")
        }
        try await withSession(on: address) { target throws(PostgresError) in
            do {
                _ = try await target.migrate(migrations)
            } catch {
                throw .statement(sqlState: "", message: "\(error)")
            }
        }
        try await session.query(
            "ALTER DATABASE \(unescaped: draft) RENAME TO \(unescaped: name)")
    }
}

private func withSession(
    on address: Address, _ body: (Session) async throws(PostgresError) -> Void
) async throws(PostgresError) {
    let session = Session(to: address)
    try await session.open()
    do {
        try await body(session)
    } catch {
        await session.close()
        throw error
    }
    await session.close()
}
