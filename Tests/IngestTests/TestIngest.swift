import HTTP
import Models
import Runtime
import XCTest

@testable import Ingest

/// A running `ingest` with a fake store.
struct TestIngest: Sendable {
    let store: FakeIngestStore
    let publicPort: RawHTTP
    let operations: RawHTTP
    let stop: Latch

    /// Starts, waits until it is ready, runs `body`, stops and waits for the end.
    /// - Parameter real: a store instead of the fake one.
    static func running(
        _ store: FakeIngestStore = FakeIngestStore([Fixtures.connection()]),
        real: IngestStore? = nil, append: AppendLimits = AppendLimits(),
        backlogEventsMax: Int = .max, awaitingReadiness: Bool = true,
        log sink: LogSink = LogSink { _ in },
        _ body: (TestIngest) async throws -> Void
    ) async throws {
        var configuration = try IngestConfiguration.read([
            "LIAISON_INGEST_HOST": "127.0.0.1", "LIAISON_INGEST_PORT": "0",
            "LIAISON_INGEST_OPERATIONS_PORT": "0", "LIAISON_DATABASE_URL": "host=unused",
            "LIAISON_MASTER_KEY": String(repeating: "A", count: 43) + "=",
        ])
        configuration.append = append
        configuration.refreshInterval = .milliseconds(10)
        configuration.backlogEventsMax = backlogEventsMax
        configuration.backlogRefreshInterval = .milliseconds(10)
        let process = try Ingest(
            configuration, store: real ?? store.asIngestStore, log: Log("test", to: sink),
            now: { Fixtures.now })
        let ingest = TestIngest(
            store: store, publicPort: RawHTTP(port: process.publicPort),
            operations: RawHTTP(port: process.operationsPort), stop: Latch())
        async let running: Void = process.run(until: ingest.stop)
        do {
            if awaitingReadiness { try await ingest.awaitReadiness() }
            try await body(ingest)
        } catch {
            ingest.stop.open()
            try await running
            throw error
        }
        ingest.stop.open()
        try await running
    }

    private func awaitReadiness() async throws {
        while try await operations.send("GET", "/readyz").status != 200 {}
    }

    func metric(_ name: String) async throws -> String? {
        let text = try await operations.send("GET", "/metrics").body
        return text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            .map { String($0.dropFirst(name.count + 1)) }
    }

    /// A PagerDuty V3 delivery, signed unless the test says otherwise.
    func deliver(
        _ body: [UInt8], to connection: String = "acme", signature: String? = nil,
        _ headers: [(String, String)] = []
    ) async throws -> RawHTTP.Answer {
        try await publicPort.send(
            "POST", "/pagerduty/\(connection)",
            [
                ("Content-Type", "application/json"),
                ("X-PagerDuty-Signature", signature ?? Fixtures.signature(body)),
            ] + headers, body: body)
    }

    func deliverApex(_ body: String) async throws -> RawHTTP.Answer {
        try await publicPort.send(
            "POST", "/salesforce/acme",
            [("Content-Type", "application/json"), ("X-Liaison-Token", Fixtures.apexToken)],
            body: Array(body.utf8))
    }

    /// Signed as if sent so many seconds after the fixtures' time.
    func deliverApex(_ body: String, sentAfter seconds: Int64) async throws -> RawHTTP.Answer {
        let sentAt = "\(Fixtures.now.seconds + seconds)"
        let signed = Array("\(sentAt).\(body)".utf8)
        return try await publicPort.send(
            "POST", "/salesforce/acme",
            [
                ("Content-Type", "application/json"), ("X-Liaison-Timestamp", sentAt),
                ("X-Liaison-Signature", Fixtures.signature(signed, by: Fixtures.apexSecret)),
            ], body: Array(body.utf8))
    }

    func deliverOutbound(
        _ body: [UInt8], token: String = Fixtures.outboundToken
    ) async throws -> RawHTTP.Answer {
        try await publicPort.send(
            "POST", "/salesforce/acme/outbound/\(token)",
            [("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", "\"\"")], body: body)
    }
}
