import Postgres
import Runtime
import Store
import TestSupport
import XCTest

@testable import Worker

/// A worker's own lease: without it no call may start.
final class RegistrationTests: XCTestCase {
    func testALostLeaseIsNotItsOwnAnyMore() async throws {
        let (pool, store) = try await store()
        let registration = try await Registration(
            store: store, name: "a", ttlSeconds: 600, log: .silent)
        let first = registration.worker
        XCTAssertTrue(registration.isEntitled(as: first))
        XCTAssertEqual(registration.nextClaim().generation, 1)
        XCTAssertTrue(registration.isEntitled(as: first), "what it knows that it has stays its own")

        _ = try await pool.query("UPDATE worker SET expires_at = now()")
        await registration.registerAnew()
        XCTAssertNotEqual(registration.worker, first)
        XCTAssertEqual(registration.claim.generation, 0)
        XCTAssertFalse(registration.isEntitled(as: first))
        XCTAssertTrue(registration.isEntitled(as: registration.worker))
    }

    /// By its own clock, before anybody else may take its lanes.
    func testALeaseThatIsNearlyOverEntitlesToNothing() async throws {
        let (_, store) = try await store()
        let registration = try await Registration(
            store: store, name: "a", ttlSeconds: 0, log: .silent)
        XCTAssertFalse(registration.isEntitled(as: registration.worker))
    }

    /// What does not answer in good time is asked again while there is time.
    func testARenewalThatHangsCostsNoLease() async throws {
        let (pool, store) = try await store()
        let registration = try await Registration(
            store: store, name: "a", ttlSeconds: 6, log: .silent)
        let worker = registration.worker
        try await pool.withTransaction { session throws(PostgresError) in
            try await session.query("SELECT FROM worker FOR UPDATE")
            let hung = await registration.renew()
            XCTAssertFalse(hung)
            XCTAssertTrue(registration.isEntitled(as: worker))
        }
        let renewed = await registration.renew()
        XCTAssertTrue(renewed)
        XCTAssertEqual(registration.worker, worker)
    }

    func testAStopGivesItBack() async throws {
        let (pool, store) = try await store()
        let registration = try await Registration(
            store: store, name: "a", ttlSeconds: 600, log: .silent)
        let stop = Latch()
        stop.open()
        await registration.keep(until: stop)
        let workers = try await pool.query("SELECT count(*) FROM worker").decoded(Int.self)
        XCTAssertEqual(workers, [0])
    }

    private func store() async throws -> (Pool, Store) {
        let database = try await TestDatabase.make(for: self, migrations: Store.migrations)
        let pool = database.pool(connectionsMax: 3)
        return (pool, Store(pool))
    }
}

extension Log {
    fileprivate static let silent = Log("test", to: LogSink { _ in })
}
