import Connectors
import HTTP
import Models
import Postgres
import Runtime
import Store
import TestSupport
import XCTest

@testable import Worker

/// The lines of a worker's metrics.
final class WorkerMetricsTests: XCTestCase {
    func testEventsAreCountedByTheirOutcome() {
        let metrics = WorkerMetrics()
        let cause = Cause(.salesforce, code: "C", message: "m")
        let outcomes: [Outcome] = [
            .applied, .applied, .unmatched, .ignored(reason: "a ping"), .failed(cause),
        ]
        metrics.exchanged([.ended(outcomes)], Lease(lanes: [], lost: []), took: .zero)
        check(metrics, "events_settled_total{outcome=\"applied\"}", 2)
        check(metrics, "events_settled_total{outcome=\"unmatched\"}", 1)
        check(metrics, "events_settled_total{outcome=\"ignored\"}", 1)
        check(metrics, "events_settled_total{outcome=\"failed\"}", 1)
    }

    func testLanesInFlightAreThoseLeasedAndNotSettled() {
        let metrics = WorkerMetrics()
        let lanes = [1, 2, 3].map { (id: LaneID) in
            LeasedLane(id: id, connection: "one", key: "k", epoch: 1, attempt: 1, jobs: [])
        }
        metrics.exchanged([], Lease(lanes: lanes, lost: []), took: .zero)
        check(metrics, "lanes_in_flight", 3)
        metrics.exchanged([.ended([.applied])], Lease(lanes: [], lost: []), took: .zero)
        check(metrics, "lanes_in_flight", 2)
    }

    func testALostLeaseSettlesNothing() {
        let metrics = WorkerMetrics()
        let late = LaneSettlement.ended([.applied])
        metrics.exchanged([late], Lease(lanes: [], lost: [late.fence]), took: .zero)
        check(metrics, "leases_lost_total", 1)
        check(metrics, "events_settled_total{outcome=\"applied\"}", 0)
    }

    func testLeasesAreTimed() {
        let metrics = WorkerMetrics()
        for milliseconds in [3, 30] {
            metrics.exchanged(
                [], Lease(lanes: [], lost: []), took: .milliseconds(milliseconds))
        }
        check(metrics, "exchange_seconds_bucket{le=\"0.005\"}", 1)
        check(metrics, "exchange_seconds_count", 2)
    }

    func testTheDepthOfTheQueueIsReported() async throws {
        let database = try await TestDatabase.make(for: self, migrations: Store.migrations)
        let pool = database.pool()
        _ = try await pool.query("INSERT INTO connection (id) VALUES ('one')")
        // Lanes as they are: idle, ready for 100 seconds with 3 events, put off, leased.
        _ = try await pool.query(
            """
            INSERT INTO lane (lane_id, connection, state, tail, done, ready_at, segment,
                tail_segment, key)
            SELECT n, 1, state, tail, 0, now() + wait * interval '1 second', 1, 1, n
            FROM (VALUES (1, 0, 0, -500), (2, 1, 3, -100), (3, 1, 1, 100), (4, 2, 7, -300))
                AS lanes (n, state, tail, wait)
            """)
        let metrics = WorkerMetrics()
        let reader = DepthReader(
            store: Store(pool), metrics: metrics, log: Log("test", to: LogSink { _ in }))
        try await reader.read()
        check(metrics, "lanes_ready", 1)
        check(metrics, "lanes_waiting", 3)
        check(metrics, "events_waiting", 11)
        check(metrics, "oldest_ready_seconds", 100)
        check(metrics, "oldest_transaction_seconds", 0)
    }

    /// Returns the metrics and runtimes of a worker whose connections have these PagerDuty keys.
    private func watched(_ keys: [ConnectionID: String]) async throws -> (
        WorkerMetrics, ConnectionRuntimes
    ) {
        let database = try await TestDatabase.make(for: self, migrations: Store.migrations)
        let store = Store(
            database.pool(), secretKeys: try SecretKeys([UInt8](repeating: 1, count: 32)))
        let entries = keys.map { id, key in
            let account = PagerDutyAccount(
                apiURL: "http://127.0.0.1:9", token: SecretText(key), from: "bot@example.com")
            return Configuration.ConnectionEntry(
                connection: Connection(id: id, name: id.rawValue, pagerDuty: account), rulesets: [])
        }
        _ = try await store.apply(Configuration(entries: entries), by: "test")
        let metrics = WorkerMetrics()
        let runtimes = ConnectionRuntimes(
            VendorAccess(
                client: try HTTPClient(), store: store, limits: WorkerLimits(),
                meter: metrics.calls, clocks: .system, log: Log("test", to: LogSink { _ in })))
        try await runtimes.refresh()
        metrics.watch(runtimes)
        return (metrics, runtimes)
    }

    func testACredentialOfTwoConnectionsIsReportedOnce() async throws {
        let (metrics, runtimes) = try await watched(["one": "key", "two": "key", "three": "other"])
        let throttled = Failure.throttled(
            Cause(.pagerDuty, code: "c", message: "m"), retryAfter: .seconds(30))
        for limiter in runtimes.limiters(of: .pagerDuty) {
            try await limiter.record(CallReport(status: 429, failure: throttled)) { true }
        }
        check(metrics, "credentials_paused{vendor=\"pagerduty\"}", 2)
        check(metrics, "breakers_open{vendor=\"pagerduty\"}", 0)
    }

    func testBudgetsAndBreakersAreReportedByVendor() async throws {
        let (metrics, runtimes) = try await watched(["one": "1", "two": "2", "three": "3"])
        check(metrics, "budget_left{vendor=\"pagerduty\"}", 60)
        check(metrics, "breakers_open{vendor=\"pagerduty\"}", 0)

        let limiters = runtimes.limiters(of: .pagerDuty)
        let cause = Cause(.pagerDuty, code: "c", message: "m")
        let throttled = Failure.throttled(cause, retryAfter: .seconds(30))
        try await limiters[0].record(CallReport(status: 429, failure: throttled)) { true }
        try? await limiters[1].record(
            CallReport(status: nil, failure: .retryable(cause))
        ) { false }
        try await limiters[2].admit(.ordinary) { true }
        check(metrics, "credentials_paused{vendor=\"pagerduty\"}", 1)
        check(metrics, "breakers_open{vendor=\"pagerduty\"}", 1)
        check(metrics, "budget_left{vendor=\"pagerduty\"}", 59)
        check(metrics, "budget_left{vendor=\"salesforce\"}", 0)
    }

    func testCallsAreCountedByVendorAndStatus() {
        let registry = Metrics()
        let meter = CallMeter(registry)
        func count(_ vendor: Vendor, _ status: Int?) {
            meter.count(
                CallReport(status: status, failure: nil, took: .milliseconds(80)), vendor)
        }
        for status in [200, 204, 301, 404, 429, 503, 599, nil] { count(.pagerDuty, status) }
        count(.salesforce, 200)
        let lines = Set(registry.render().split(separator: "\n").map(String.init))
        func check(_ vendor: String, _ status: String, _ expected: Int, line: UInt = #line) {
            let labels = "vendor=\"\(vendor)\",status=\"\(status)\""
            let name = "liaison_vendor_call_seconds"
            XCTAssertTrue(lines.contains("\(name)_count{\(labels)} \(expected)"), line: line)
            let bucket = "\(name)_bucket{\(labels),le=\"0.1\"} \(expected)"
            XCTAssertTrue(lines.contains(bucket), line: line)
        }
        check("pagerduty", "2xx", 2)
        check("pagerduty", "3xx", 1)
        check("pagerduty", "4xx", 1)
        check("pagerduty", "429", 1)
        check("pagerduty", "5xx", 2)
        check("pagerduty", "none", 1)
        check("salesforce", "2xx", 1)
        check("salesforce", "5xx", 0)
    }

    func testTheAgeOfTheOldestTransactionIsReported() async throws {
        let database = try await TestDatabase.make(for: self, migrations: Store.migrations)
        let pool = database.pool()
        let store = Store(database.pool())
        let idle = try await store.oldestTransactionAge()
        XCTAssertEqual(idle, .zero)
        let seen = try await pool.withTransaction { session throws(PostgresError) in
            try await session.query("SELECT pg_current_xact_id()")
            do {
                return try await store.oldestTransactionAge()
            } catch {
                throw .unavailable("\(error)")
            }
        }
        XCTAssertGreaterThan(seen, .zero)
    }

    private func check(
        _ metrics: WorkerMetrics, _ name: String, _ expected: Int, line: UInt = #line
    ) {
        let lines = metrics.registry.render().split(separator: "\n")
        let found = lines.first { $0.hasPrefix("liaison_\(name) ") }
        XCTAssertEqual(found.map(String.init), "liaison_\(name) \(expected)", line: line)
    }
}

extension LaneSettlement {
    /// A lane whose events ended like this.
    fileprivate static func ended(_ outcomes: [Outcome]) -> LaneSettlement {
        let event = Event(
            id: "e", connection: "one", source: .pagerDuty, kind: .incident(.triggered),
            occurredAt: Timestamp(seconds: 0), lane: "k", format: .pagerDutyV3, payload: [])
        let settlements = outcomes.enumerated().map { index, outcome in
            Settlement(
                job: Job(sequence: Int64(index + 1), segment: 1, event: event), attempt: 1,
                outcome: outcome)
        }
        return LaneSettlement(
            fence: Fence(lane: 1, epoch: 1), settlements: settlements, next: .proceed)
    }
}
