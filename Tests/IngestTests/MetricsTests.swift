import HTTP
import XCTest

/// The metrics and log lines of ingest.
final class MetricsTests: XCTestCase {
    func testAcceptedAndDuplicateDeliveriesAreCounted() async throws {
        try await TestIngest.running { ingest in
            for _ in 1...3 { _ = try await ingest.deliver(Fixtures.incidentEvent()) }
            await check(ingest, "events_appended_total", 1)
            await check(ingest, "events_duplicate_total", 2)
            await check(ingest, "webhooks_total", ("pagerduty", "accepted"), 1)
            await check(ingest, "webhooks_total", ("pagerduty", "duplicate"), 2)
        }
    }

    func testRefusalsAreCountedByReason() async throws {
        try await TestIngest.running { ingest in
            _ = try await ingest.deliver(Fixtures.incidentEvent(), signature: "v1=00")
            _ = try await ingest.deliver(Array("{".utf8))
            await check(ingest, "webhooks_total", ("pagerduty", "unauthentic"), 1)
            await check(ingest, "webhooks_total", ("pagerduty", "malformed"), 1)
            ingest.store.become(.away)
            _ = try await ingest.deliver(Fixtures.incidentEvent())
            await check(ingest, "webhooks_total", ("pagerduty", "unavailable"), 1)
            await check(ingest, "append_failures_total", 1)
        }
    }

    func testRequestsRefusedByTheirHeadAreCountedByReason() async throws {
        try await TestIngest.running { ingest in
            _ = try await ingest.publicPort.send("POST", "/nowhere", [], body: [])
            _ = try await ingest.publicPort.send("GET", "/pagerduty/acme")
            _ = try await ingest.deliver([], to: "unknown")
            await check(ingest, "requests_turned_away_total{result=\"not_found\"}", 2)
            await check(ingest, "requests_turned_away_total{result=\"method_not_allowed\"}", 1)
        }
    }

    func testRequestsThatTheServerRefusesAreCountedByReason() async throws {
        try await TestIngest.running { ingest in
            _ = try await ingest.publicPort.send(
                "POST", "/pagerduty/acme", [("Bad name", "x")], body: [])
            await check(ingest, "requests_refused_total{reason=\"malformed\"}", 1)
            await check(ingest, "requests_refused_total{reason=\"requests\"}", 0)
        }
    }

    /// Three such answers end PagerDuty's feed for a day, so an operator must see the first.
    func testARequestRefusedOnAVendorsPathIsLoggedAsAWarning() async throws {
        let long = String(repeating: "x", count: 9000)
        let lines = LogLines()
        try await TestIngest.running(log: lines.sink) { ingest in
            for (path, header, status, told) in [
                ("/pagerduty/acme", ("Bad name", "x"), 400, "/pagerduty/acme"),
                ("/salesforce/acme/outbound/0utb0und?x", ("X", "\u{1}"), 400, "/salesforce/acme"),
                ("/pagerduty/acme", ("X", long), 431, "/pagerduty/acme"),
                ("/pagerduty/acme", ("Content-Type", "application/json"), 413, "/pagerduty/acme"),
                ("/elsewhere", ("Bad name", "x"), 400, nil),
            ] as [(String, (String, String), Int, String?)] {
                let before = lines.containing("request refused").count
                let answer = try await ingest.publicPort.send(
                    "POST", path, [header], declaring: status == 413 ? 1 << 30 : 0)
                XCTAssertEqual(answer.status, status)
                let new = lines.containing("request refused").dropFirst(before)
                XCTAssertEqual(new.count, told == nil ? 0 : 1, path)
                guard let told, let line = new.first else { continue }
                XCTAssertTrue(line.contains("warning") && line.contains("\"\(told)\""), line)
                XCTAssertFalse(line.contains("0utb0und"), line)
            }
        }
    }

    func testCommitsAndAnswersAreTimed() async throws {
        try await TestIngest.running { ingest in
            for id in ["one", "two"] {
                _ = try await ingest.deliver(Fixtures.incidentEvent(id: id))
            }
            await check(ingest, "append_seconds_count", 2)
            await check(ingest, "append_seconds_bucket{le=\"+Inf\"}", 2)
            await check(ingest, "append_batch_events_sum", "2.0")
            await check(ingest, "acknowledgement_seconds_count{source=\"pagerduty\"}", 2)
        }
    }

    private func check(
        _ ingest: TestIngest, _ name: String, _ labels: (source: String, result: String),
        _ expected: Int, line: UInt = #line
    ) async {
        let labels = "source=\"\(labels.source)\",result=\"\(labels.result)\""
        await check(ingest, "\(name){\(labels)}", expected, line: line)
    }

    private func check(
        _ ingest: TestIngest, _ name: String, _ expected: some CustomStringConvertible,
        line: UInt = #line
    ) async {
        let value = try? await ingest.metric("liaison_\(name)")
        XCTAssertEqual(value, expected.description, name, line: line)
    }
}
