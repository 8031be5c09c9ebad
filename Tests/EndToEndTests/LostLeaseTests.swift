import Automation
import Connectors
import HTTP
import JSON
import Models
import Runtime
import Sandbox
import XCTest

@testable import Worker

/// A worker whose lease ends between two calls of one effect.
final class LostLeaseTests: XCTestCase {
    func testTheIncidentIsNotChangedAfterItWasRead() async throws {
        try await Rig.running(for: self, .workersOnly) { rig in
            let incident = try await rig.trigger()
            try await check(
                .updateIncident(incident, .resolve(resolution: nil)), in: rig,
                untilCalled: "/incidents/\(incident)")
            XCTAssertEqual(rig.pagerDutyCalls.map(\.method), ["GET"])
        }
    }

    func testTheRecordIsNotCreatedAfterItWasSearched() async throws {
        try await Rig.running(for: self, .workersOnly) { rig in
            let new = NewRecord(object: "Case", fields: ["Subject": "lost"])
            try await check(.createRecord(new, for: nil), in: rig, untilCalled: "/query")
            XCTAssertFalse(rig.sandbox.calls.contains { $0.path.contains("/sobjects") })
        }
    }

    /// The lease ends when the vendor has seen a call to this path.
    private func check(
        _ command: Command, in rig: Rig, untilCalled path: String, line: UInt = #line
    ) async throws {
        let connection = try rig.entry(rules: []).connection
        let vendors = Vendors(
            connection,
            VendorAccess(
                client: try HTTPClient(), store: rig.store, limits: WorkerLimits(),
                meter: WorkerMetrics().calls, clocks: .system,
                log: Log("test", to: LogSink { _ in })))
        let sandbox = rig.sandbox
        let isCalled = { @Sendable in sandbox.calls.contains { $0.path.hasSuffix(path) } }
        do throws(Failure) {
            let performed = try await vendors.admitted(for: command, while: { !isCalled() }) {
                command async throws(Failure) in
                try await command.perform(lookFirst: true)
            }
            XCTFail("\(performed)", line: line)
        } catch {
            XCTAssertEqual(error, .interrupted, line: line)
        }
    }
}
