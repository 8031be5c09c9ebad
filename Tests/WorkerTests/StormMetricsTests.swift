import Connectors
import Postgres
import Runtime
import Store
import TestSupport
import XCTest

@testable import Worker

final class StormMetricsTests: XCTestCase {
    func testCallsAreCountedByVendorAndStatus() {
        let registry = Metrics()
        let meter = CallMeter(registry)
        func count(_ side: Vendors.Side, _ status: Int?) {
            meter.count(
                CallReport(status: status, failure: nil, took: .milliseconds(80)), side)
        }
        for status in [200, 204, 301, 404, 429, 503, 599, nil] { count(.pagerduty, status) }
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

    func testTheOldestTransactionIsSeen() async throws {
        let database = try await TestDatabase.make(for: self, migrations: Store.migrations)
        let pool = database.pool()
        let store = Store(database.pool())
        let idle = try await store.oldestTransactionSeconds()
        XCTAssertEqual(idle, 0)
        let seen = try await pool.withTransaction { session throws(PostgresError) in
            try await session.query("SELECT pg_current_xact_id()")
            do {
                return try await store.oldestTransactionSeconds()
            } catch {
                throw .unavailable("\(error)")
            }
        }
        XCTAssertGreaterThan(seen, 0)
    }
}
