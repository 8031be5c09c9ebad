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
final class StormLeaseTests: XCTestCase {
    func testAnIncidentThatWasLookedAtIsNotChangedAnyMore() async throws {
        try await StormHouse.running(for: self) { house in
            let incident = try await house.incidents(1)[0]
            try await check(
                .updateIncident(incident, .resolve(resolution: nil)), in: house,
                untilCalled: "/incidents/\(incident)")
            XCTAssertEqual(house.pagerDutyCalls.map(\.method), ["GET"])
        }
    }

    func testARecordThatWasLookedForIsNotCreatedAnyMore() async throws {
        try await StormHouse.running(for: self) { house in
            let new = NewRecord(object: "Case", fields: ["Subject": "lost"])
            try await check(.createRecord(new, for: nil), in: house, untilCalled: "/query")
            XCTAssertFalse(house.sandbox.calls.contains { $0.path.contains("/sobjects") })
        }
    }

    /// The lease is good until the vendor has seen a call to this path.
    private func check(
        _ command: Command, in house: StormHouse, untilCalled path: String, line: UInt = #line
    ) async throws {
        let connection = try house.connection("acme", .both, []).connection
        let vendors = Vendors(
            connection,
            VendorAccess(
                client: try HTTPClient(), store: house.store, limits: WorkerLimits(),
                meter: WorkerMetrics().calls, clocks: .system,
                log: Log("test", to: LogSink { _ in })))
        let sandbox = house.sandbox
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
