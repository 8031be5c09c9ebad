import Foundation
import Postgres
import TestSupport
import XCTest

final class PoolTests: XCTestCase {
    private func database() async throws -> TestDatabase {
        try await TestDatabase.make(for: self)
    }

    func testSurvivesTheEndOfItsSessions() async throws {
        let database = try await database()
        let pool = database.pool(connectionsMax: 2)
        let other = database.pool(connectionsMax: 1)
        let first = try await pool.query("SELECT pg_backend_pid()").decoded(Int32.self)[0]
        _ = try await other.query(
            "SELECT pg_terminate_backend(\(first), 5000)")
        let second = try await pool.query("SELECT pg_backend_pid()").decoded(Int32.self)[0]
        XCTAssertNotEqual(first, second)
    }

    func testASessionThatEndsUnderAStatementIsUnavailable() async throws {
        let database = try await database()
        let pool = database.pool(connectionsMax: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await assertThrows({ if case .unavailable = $0 { true } else { false } }) {
                    () async throws(PostgresError) in
                    try await pool.query("SELECT pg_sleep(3600)")
                }
            }
            group.addTask {
                let other = database.pool(connectionsMax: 1)
                var ended = 0
                while ended == 0 {
                    ended = try await other.query(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event = 'PgSleep'
                        """
                    ).count
                }
            }
            try await group.waitForAll()
        }
        let answer = try await pool.query("SELECT 1").decoded(Int.self)
        XCTAssertEqual(answer, [1])
    }

    func testTimesOutAndGoesOn() async throws {
        let pool = try await database().pool(connectionsMax: 1)
        await assertThrows({ $0 == .timedOut }) { () async throws(PostgresError) in
            try await pool.query("SELECT pg_sleep(3600)", timeout: .seconds(0.05))
        }
        let answer = try await pool.query("SELECT 1").decoded(Int.self)
        XCTAssertEqual(answer, [1])
    }

    func testAnErrorRollsBackAndTheConnectionStaysUsable() async throws {
        let pool = try await database().pool(connectionsMax: 1)
        _ = try await pool.query("CREATE TABLE t (n int)")
        await assertThrows({ if case .statement = $0 { true } else { false } }) {
            () async throws(PostgresError) in
            try await pool.withTransaction { session throws(PostgresError) in
                try await session.query("INSERT INTO t VALUES (1)")
                try await session.query("SELECT 1 / 0")
            }
        }
        let count = try await pool.query("SELECT count(*) FROM t").decoded(Int.self)
        XCTAssertEqual(count, [0])
    }

    func testASwallowedErrorDoesNotCommit() async throws {
        let pool = try await database().pool(connectionsMax: 1)
        await assertThrows({ if case .statement("25P02", _) = $0 { true } else { false } }) {
            () async throws(PostgresError) in
            try await pool.withTransaction { session throws(PostgresError) in
                _ = try? await session.query("SELECT 1 / 0")
            }
        }
    }

    func testACommitWithoutAnAnswerIsUnknown() async throws {
        let database = try await database()
        let pool = database.pool(connectionsMax: 2)
        // A deferred trigger runs inside COMMIT and ends the session there.
        _ = try await pool.query("CREATE TABLE t (n int)")
        _ = try await pool.query(
            """
            CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'
            """)
        _ = try await pool.query(
            """
            CREATE CONSTRAINT TRIGGER leave AFTER INSERT ON t
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION leave()
            """)
        await assertThrows({ $0 == .unknownOutcome }) { () async throws(PostgresError) in
            try await pool.withTransaction { session throws(PostgresError) in
                try await session.query("INSERT INTO t VALUES (1)")
            }
        }
    }

    func testAPipelineIsOneTransaction() async throws {
        let pool = try await database().pool(connectionsMax: 1)
        _ = try await pool.query("CREATE TABLE t (n int)")
        let rows = try await pool.pipeline([
            "INSERT INTO t VALUES (1), (2)", "SELECT count(*) FROM t",
        ])
        XCTAssertEqual(rows[0].affected, 2)
        XCTAssertEqual(try rows[1].decoded(Int.self), [2])
        await assertThrows({ if case .statement("22012", _) = $0 { true } else { false } }) {
            () async throws(PostgresError) in
            try await pool.pipeline(["DELETE FROM t", "SELECT 1 / 0", "SELECT 1"])
        }
        let count = try await pool.query("SELECT count(*) FROM t").decoded(Int.self)
        XCTAssertEqual(count, [2])
    }

    func testALongPipelineDoesNotBlockItself() async throws {
        let pool = try await database().pool(connectionsMax: 1)
        let text = String(repeating: "x", count: 100_000)
        let rows = try await pool.pipeline(Array(repeating: "SELECT \(text)::text", count: 100))
        XCTAssertEqual(rows.count, 100)
        for row in rows { XCTAssertEqual(try row.decoded(String.self), [text]) }
    }

    func testWaitersAreBoundedAndServedInTurn() async throws {
        let database = try await database()
        var limits = PoolLimits()
        limits.connectionsMax = 1
        limits.waitersMax = 1
        limits.waitMax = .seconds(0.05)
        let pool = Pool(database.address, limits: limits)
        try await pool.withSession { session throws(PostgresError) in
            await assertThrows({ $0 == .unavailable("no connection became free in time") }) {
                () async throws(PostgresError) in
                try await pool.query("SELECT 1")
            }
        }
        let answer = try await pool.query("SELECT 1").decoded(Int.self)
        XCTAssertEqual(answer, [1])
        limits.waitersMax = 0
        let strict = Pool(database.address, limits: limits)
        try await strict.withSession { session throws(PostgresError) in
            await assertThrows({ $0 == .unavailable("too many callers wait for a connection") }) {
                () async throws(PostgresError) in
                try await strict.query("SELECT 1")
            }
        }
    }

    func testManyCallersShareFewConnections() async throws {
        let pool = try await database().pool(connectionsMax: 3)
        let backends = try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await pool.query("SELECT pg_backend_pid()").decoded(Int32.self)[0]
                }
            }
            return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
        }
        XCTAssertLessThanOrEqual(backends.count, 3)
    }

    func testACancelledWaiterLeaves() async throws {
        let pool = try await database().pool(connectionsMax: 1)
        try await pool.withSession { session throws(PostgresError) in
            await withTaskGroup(of: PostgresError?.self) { group in
                group.addTask {
                    do throws(PostgresError) {
                        _ = try await pool.query("SELECT 1")
                        return nil
                    } catch {
                        return error
                    }
                }
                group.cancelAll()
                let failure = await group.next()
                XCTAssertEqual(failure, .cancelled)
            }
        }
    }

    func testAServerThatIsDownIsUnavailable() async throws {
        let address = try XCTUnwrap(Address("host=/nowhere port=1 dbname=none"))
        await assertThrows({ if case .unavailable = $0 { true } else { false } }) {
            () async throws(PostgresError) in
            try await Pool(address).query("SELECT 1")
        }
    }

    /// The server accepts the connection and never answers.
    func testAServerThatHangsIsUnavailable() async throws {
        let socket = try SilentSocket()
        let address = try XCTUnwrap(
            Address("host=127.0.0.1 port=\(socket.port) dbname=none sslmode=disable"))
        var limits = PoolLimits()
        limits.session.connectMax = .seconds(0.05)
        await assertThrows({ $0 == .unavailable("no connection before the deadline") }) {
            () async throws(PostgresError) in
            try await Pool(address, limits: limits).query("SELECT 1")
        }
    }

    func testUnnamedStatementsLeaveNothingInTheSession() async throws {
        let database = try await database()
        for (mode, expected) in [(StatementMode.unnamed, 0), (.prepared, 1)] {
            var limits = PoolLimits()
            limits.connectionsMax = 1
            limits.session.mode = mode
            let pool = Pool(database.address, limits: limits)
            _ = try await pool.query("SELECT 1")
            _ = try await pool.query("SELECT 1")
            let names = try await pool.query(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 1'")
            XCTAssertEqual(try names.decoded(Int.self), [expected])
        }
    }
}

final class AddressTests: XCTestCase {
    func testShowsNoPassword() {
        let address = Address("postgresql://me:secret@db.example:6000/liaison?sslmode=require")
        XCTAssertEqual(address?.description, "db.example:6000/liaison")
        XCTAssertNil(Address("nonsense"))
        XCTAssertEqual(address?.database("o'ther")?.description, "db.example:6000/o'ther")
    }
}

/// A port whose connections the kernel accepts and no program reads.
private final class SilentSocket: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isListening else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}

private func assertThrows<T>(
    _ expected: (PostgresError) -> Bool, line: UInt = #line,
    _ body: () async throws(PostgresError) -> T
) async {
    do {
        _ = try await body()
        XCTFail("no error", line: line)
    } catch {
        XCTAssertTrue(expected(error), "\(error)", line: line)
    }
}
