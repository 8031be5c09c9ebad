import Foundation
import JSON
import Models
import Postgres
import TestSupport
import XCTest

/// The programs with PgBouncer between them and Postgres, in transaction pooling mode.
final class PoolerTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("{{event.id}}"))

    func testWebhooksBecomeCallsThroughATransactionPooler() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let pooler = try await PgBouncer(before: rig.database, sessions: 4, for: self)
            let settings = ["LIAISON_DATABASE_URL": pooler.url]
            let (ingest, port) = try await rig.startIngest(for: self, settings)
            _ = try await ingest.line(with: "configuration loaded")
            let worker = try rig.startWorker(for: self, settings)
            _ = try await worker.line(with: "no notifications through a pooler: polling")
            let incidents = try await rig.escalateThrough(port: port)
            try await rig.untilIdle()
            for incident in incidents {
                let notes = await rig.notes(on: incident)
                XCTAssertEqual(notes, (1...5).map { "\(incident)-\($0)" })
            }
            for program in [worker, ingest] {
                XCTAssertEqual(program.terminate(), 0, program.logText)
                let warnings = program.logText.split(separator: "\n").filter {
                    $0.contains("\"warning\"") || $0.contains("\"error\"")
                }
                XCTAssertEqual(warnings, [])
            }
            try await pooler.checkNothingWasLeft(inSessions: 4)
        }
    }
}

/// Debian's PgBouncer before a test's database. A missing one fails the test.
private struct PgBouncer {
    /// A connection string of the same database, through it.
    let url: String

    init(before database: TestDatabase, sessions: Int, for testCase: XCTestCase) async throws {
        let program = URL(fileURLWithPath: "/usr/sbin/pgbouncer")
        guard FileManager.default.isExecutableFile(atPath: program.path) else {
            XCTFail("there is no \(program.path): install the distribution's pgbouncer")
            throw CocoaError(.fileNoSuchFile)
        }
        // It refuses to be root. The user that it becomes makes its socket in this folder.
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("liaison-pooler-\(UInt32.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o777])
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o777], ofItemAtPath: folder.path)
        testCase.addTeardownBlock { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("pgbouncer.ini")
        try """
        [databases]
        \(database.name) = \(Self.server(of: database))
        [pgbouncer]
        pool_mode = transaction
        default_pool_size = \(sessions)
        auth_type = any
        listen_port = 6432
        unix_socket_dir = \(folder.path)
        \(getuid() == 0 ? "user = postgres" : "")
        """.write(to: file, atomically: false, encoding: .utf8)
        let running = try RunningProgram(at: program, [file.path], for: testCase)
        _ = try await running.line(with: "process up")
        url = "host=\(folder.path) port=6432 dbname=\(database.name) user=pooled"
    }

    /// The part of a connection string that the pooler understands.
    private static func server(of database: TestDatabase) -> String {
        let names = ["host", "port", "dbname", "user", "password"]
        return database.url.matches(of: /([a-z]+)='(?:[^'\\]|\\.)*'/)
            .filter { names.contains(String($0.1)) }.map { String($0.0) }.joined(separator: " ")
    }

    /// Looks into all of the server's sessions at once, each held by a transaction.
    func checkNothingWasLeft(inSessions count: Int) async throws {
        let address = try XCTUnwrap(Address(url))
        var sessions: [Session] = []
        var servers: Set<Int32> = []
        for _ in 0..<count {
            let session = Session(to: address)
            try await session.open()
            let isPooled = await session.isPooled
            XCTAssertTrue(isPooled)
            try await session.query("BEGIN")
            sessions.append(session)
            let rows = try await session.query(
                """
                SELECT pg_backend_pid(), (SELECT count(*) FROM pg_prepared_statements),
                    (SELECT count(*) FROM pg_listening_channels()),
                    (SELECT count(*) FROM pg_locks
                        WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
                    (SELECT count(*) FROM pg_settings WHERE source = 'session'
                        AND name NOT IN ('client_encoding', 'application_name'))
                """
            ).decoded(Int32.self, Int.self, Int.self, Int.self, Int.self)
            let (server, statements, channels, locks, settings) = try XCTUnwrap(rows.first)
            servers.insert(server)
            XCTAssertEqual([statements, channels, locks, settings], [0, 0, 0, 0])
        }
        XCTAssertEqual(servers.count, count)
        for session in sessions { await session.close() }
    }
}

extension Rig {
    /// Triggers eight incidents, and delivers five events of each to the ingest at that port.
    fileprivate func escalateThrough(port: Int) async throws -> [IncidentID] {
        var incidents: [IncidentID] = []
        for _ in 1...8 { incidents.append(try await trigger()) }
        await sandbox.settled()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for incident in incidents {
                group.addTask {
                    for number in 1...5 {
                        let payload = Self.event(incident, number).event.payload
                        let answer = try await attemptV3(JSON(parsing: payload), port: port)
                        XCTAssertEqual(answer.status, 202)
                    }
                }
            }
            try await group.waitForAll()
        }
        return incidents
    }
}
