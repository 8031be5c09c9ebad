import Postgres
import TestSupport
import XCTest

final class ListenerTests: XCTestCase {
    func testListensAgainAfterItsSessionEnded() async throws {
        let database = try await TestDatabase.make(for: self)
        let pool = database.pool(connectionsMax: 1)
        var signals = NotificationListener(to: database.address, channels: ["events"])
            .makeAsyncIterator()
        for round in ["one", "two"] {
            let first = await signals.next()
            XCTAssertEqual(first, .listening)
            _ = try await pool.query("SELECT pg_notify('events', \(round))")
            let second = await signals.next()
            XCTAssertEqual(
                second, .notified(Notification(channel: "events", payload: round)))
            _ = try await pool.query(
                """
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
        }
    }

    func testEndsWithItsTask() async throws {
        let database = try await TestDatabase.make(for: self)
        await withTaskGroup(of: Int.self) { group in
            group.addTask {
                var heard = 0
                for await _ in NotificationListener(to: database.address, channels: ["events"]) {
                    heard += 1
                }
                return heard
            }
            group.cancelAll()
            await group.waitForAll()
        }
    }
}
