import Postgres
import Runtime
import Store
import TestSupport
import XCTest

@testable import Worker

/// A worker's own lease: without it no call may start.
final class RegistrationTests: XCTestCase {
    func testALostLeaseAllowsNoMoreCalls() async throws {
        let (pool, store) = try await store()
        let registration = try await Registration(
            store: store, name: "a", duration: .seconds(600), log: .silent)
        let first = registration.worker
        XCTAssertTrue(registration.mayStartCall(as: first))
        XCTAssertEqual(registration.nextClaim().generation, 1)
        XCTAssertTrue(
            registration.mayStartCall(as: first),
            "a reclaim keeps the lanes that the worker knows of")

        _ = try await pool.query("UPDATE worker SET expires_at = now()")
        await registration.registerAgain()
        XCTAssertNotEqual(registration.worker, first)
        XCTAssertEqual(registration.claim.generation, 0)
        XCTAssertFalse(registration.mayStartCall(as: first))
        XCTAssertTrue(registration.mayStartCall(as: registration.worker))
    }

    /// The worker's own clock says so before another worker may take its lanes.
    func testNoCallStartsWhenTheLeaseIsNearlyOver() async throws {
        let (_, store) = try await store()
        let registration = try await Registration(
            store: store, name: "a", duration: .zero, log: .silent)
        XCTAssertFalse(registration.mayStartCall(as: registration.worker))
    }

    func testARenewalThatHangsIsRetriedBeforeTheLeaseEnds() async throws {
        let (pool, store) = try await store()
        let registration = try await Registration(
            store: store, name: "a", duration: .seconds(6), log: .silent)
        let worker = registration.worker
        try await pool.withTransaction { session throws(PostgresError) in
            try await session.query("SELECT FROM worker FOR UPDATE")
            let hung = await registration.renew()
            XCTAssertFalse(hung)
            XCTAssertTrue(registration.mayStartCall(as: worker))
        }
        let renewed = await registration.renew()
        XCTAssertTrue(renewed)
        XCTAssertEqual(registration.worker, worker)
    }

    func testAStopRemovesTheWorker() async throws {
        let (pool, store) = try await store()
        let registration = try await Registration(
            store: store, name: "a", duration: .seconds(600), log: .silent)
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
