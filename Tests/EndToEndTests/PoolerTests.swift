import Crypto
import Foundation
import HTTP
import JSON
import Models
import Postgres
import TestSupport
import XCTest

/// The real executables with PgBouncer between them and Postgres, in transaction pooling mode.
final class PoolerTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("{{event.id}}"))

    func testWebhooksBecomeCallsThroughATransactionPooler() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let pooler = try await PgBouncer(before: bridge.database, sessions: 4, for: self)
            let ingest = try RunningProgram(
                "ingest",
                environment: pooler.environment.merging([
                    "LIAISON_INGEST_HOST": "127.0.0.1", "LIAISON_INGEST_PORT": "0",
                    "LIAISON_INGEST_OPERATIONS_PORT": "0",
                ]) { $1 }, for: self)
            let line = try JSON(parsing: try await ingest.line(with: "\"listening\""))
            let port = try XCTUnwrap(line["port"]?.int)
            _ = try await ingest.line(with: "configuration loaded")
            let worker = try RunningProgram(
                "worker",
                environment: pooler.environment.merging([
                    "LIAISON_WORKER_OPERATIONS_PORT": "0", "LIAISON_WORKER_POLL_SECONDS": "0.1",
                ]) { $1 }, for: self)
            _ = try await worker.line(with: "no notifications through a pooler: polling")

            var incidents: [IncidentID] = []
            for _ in 1...8 { incidents.append(try await bridge.trigger()) }
            await bridge.sandbox.settled()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for incident in incidents {
                    group.addTask {
                        for number in 1...5 {
                            let status = try await bridge.escalate(incident, number, port: port)
                            XCTAssertEqual(status, 202)
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await bridge.idle()
            for incident in incidents {
                let notes = await bridge.notes(on: incident)
                XCTAssertEqual(notes, (1...5).map { "\(incident)-\($0)" })
            }
            for program in [worker, ingest] {
                XCTAssertEqual(program.terminate(), 0, program.logText)
                let complaints = program.logText.split(separator: "\n").filter {
                    $0.contains("\"warning\"") || $0.contains("\"error\"")
                }
                XCTAssertEqual(complaints, [])
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
        // It refuses to be root, and whoever it becomes makes its socket here.
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
        url = "host=\(folder.path) port=6432 dbname=\(database.name) user=anybody"
    }

    /// Of what libpq knows, the pooler understands only this.
    private static func server(of database: TestDatabase) -> String {
        let names = ["host", "port", "dbname", "user", "password"]
        return database.url.matches(of: /([a-z]+)='(?:[^'\\]|\\.)*'/)
            .filter { names.contains(String($0.1)) }.map { String($0.0) }.joined(separator: " ")
    }

    var environment: [String: String] {
        [
            "LIAISON_DATABASE_URL": url,
            "LIAISON_MASTER_KEY": Base64.encode(Bridge.masterKey),
        ]
    }

    /// Looks into all of the server's sessions at once: a transaction keeps each for itself.
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

extension Bridge {
    /// A signed webhook to the ingest at that port; the status of its answer.
    fileprivate func escalate(
        _ incident: IncidentID, _ number: Int, port: Int
    ) async throws -> Int {
        let event = Self.event(incident, number).event
        let body = JSON.object(["event": try JSON(parsing: event.payload)]).bytes
        let code = HMACSHA256.authenticationCode(
            key: Array(Self.webhookSecret.utf8), message: body)
        return try await client.send(
            HTTPClientRequest(
                method: "POST", url: "http://127.0.0.1:\(port)/pagerduty/acme",
                headers: [
                    "Content-Type": "application/json",
                    "X-PagerDuty-Signature": "v1=\(Hex.encode(code))",
                ], body: body)
        ).status
    }
}
