import Crypto
import JSON
import Models
import Postgres
import Store
import TestSupport
import XCTest

/// A migrated database of its own with a configuration file beside it, and a console on both.
struct ConsoleFixture {
    static let canary = "canary-51c0de-never-print-me"
    static let masterKey = [UInt8](repeating: 7, count: 32)

    let database: TestDatabase
    let store: Store
    let folder: TemporaryFolder
    var environment: [String: String]

    init(for testCase: XCTestCase) async throws {
        database = try await TestDatabase.make(for: testCase, migrations: Store.migrations)
        store = Store(database.pool(), secretKeys: try SecretKeys(Self.masterKey))
        folder = try TemporaryFolder(for: testCase)
        environment = [
            "LIAISON_DATABASE_URL": database.url,
            "LIAISON_MASTER_KEY": Base64.encode(Self.masterKey),
            "TOKEN": Self.canary,
        ]
    }

    func run(_ arguments: String...) async -> ConsoleRun {
        await ConsoleRun.of(arguments, environment: environment)
    }

    /// Writes `rules` as the ruleset `Demo` of the connection `acme` and applies them.
    @discardableResult
    func apply(_ rules: [JSON], file: String = "liaison.json") async throws -> ConsoleRun {
        await run("apply", try write(rules, to: file))
    }

    func write(
        _ rules: [JSON], to file: String = "liaison.json", connections: [String] = ["acme"]
    ) throws -> String {
        let entries = connections.map { id -> JSON in
            [
                "id": .string(id), "name": "Acme shop",
                "pagerDuty": [
                    "apiURL": "http://127.0.0.1:8101", "token": ["variable": "TOKEN"],
                    "from": "liaison@example.com",
                ],
                "rulesets": [["name": "Demo", "rules": .array(rules)]],
            ]
        }
        let document: JSON = ["connections": .array(entries)]
        return try folder.write(document.text, to: file)
    }

    func append(_ events: [NewEvent]) async throws {
        let appended = try await store.append(events)
        XCTAssertFalse(appended.contains(.duplicate))
    }

    /// Leases everything that waits and postpones it.
    func postpone(afterSeconds seconds: Double, because cause: Cause) async throws {
        let worker = try await store.register(name: "worker", ttl: .seconds(3600))
        let lease = try await store.lease(
            for: worker, limits: LeaseLimits(lanesMax: 100, jobsPerLaneMax: 100))
        let next = LaneSettlement.Next.retry(
            after: .seconds(seconds), refundsAttempt: false, because: cause)
        let lost = try await store.settle(
            lease.lanes.map { LaneSettlement(fence: $0.fence, settlements: [], next: next) })
        XCTAssertEqual(lost, [])
    }

    /// An effect of the only event that waits, which then waits again.
    func perform(_ key: EffectKey, result: JSON) async throws {
        let worker = try await store.register(name: "worker", ttl: .seconds(3600))
        let lanes = try await store.lease(
            for: worker, limits: LeaseLimits(lanesMax: 1, jobsPerLaneMax: 1)
        ).lanes
        let lane = try XCTUnwrap(lanes.first)
        let job = try XCTUnwrap(lane.jobs.first)
        _ = try await store.begin([
            EffectStart(
                key, of: job, under: lane.fence, command: .addNote("Q1", text: "Note"))
        ])
        _ = try await store.finish([
            EffectEnd(key, of: job, under: lane.fence, as: .performed(result))
        ])
        _ = try await store.settle([
            LaneSettlement(fence: lane.fence, settlements: [], next: .proceed)
        ])
    }

    /// Leases everything that waits and settles each event with what `outcome` says of it.
    func settle(
        version: ConfigurationVersion? = 1, facts: JSON? = nil, _ outcome: (Event) -> Outcome
    ) async throws {
        let worker = try await store.register(name: "worker", ttl: .seconds(3600))
        let lease = try await store.lease(
            for: worker, limits: LeaseLimits(lanesMax: 100, jobsPerLaneMax: 100))
        let lost = try await store.settle(
            lease.lanes.map { lane in
                LaneSettlement(
                    fence: lane.fence,
                    settlements: lane.jobs.map {
                        Settlement(
                            job: $0, attempt: 1, outcome: outcome($0.event), facts: facts,
                            configurationVersion: version)
                    }, next: .proceed)
            })
        XCTAssertEqual(lost, [])
    }
}

extension Cause {
    static let refused = Cause(
        .salesforce, code: "INVALID_FIELD", message: "No such column 'Colour__c'", status: 400)
}

/// Rules and events with invented ids.
enum Sample {
    static func rule(_ id: String, when: JSON, enabled: Bool = true) -> JSON {
        [
            "id": .string(id), "object": "Case", "direction": "incidentChange",
            "enabled": .bool(enabled), "when": when,
            "actions": [["type": "addNote", "text": "seen"]],
        ]
    }

    static func condition(_ field: String, _ operator: String, _ value: JSON) -> JSON {
        ["field": .string(field), "operator": .string(`operator`), "value": value]
    }

    static func event(
        _ id: String, incident: String = "Q1", title: String = "Checkout is down",
        change: EventKind.IncidentChange = .triggered, connection: ConnectionID = "acme"
    ) -> NewEvent {
        let payload: JSON = [
            "id": .string(id), "event_type": .string("incident.\(change.rawValue)"),
            "data": [
                "id": .string(incident), "type": "incident", "number": 7, "status": "triggered",
                "title": .string(title), "urgency": "high",
                "service": ["id": "PSVC01", "summary": "Checkout"],
            ],
        ]
        return NewEvent(
            event: Event(
                id: EventID(id), connection: connection, source: .pagerDuty,
                kind: .incident(change), occurredAt: Timestamp(seconds: 1_780_000_000),
                lane: .incident(IncidentID(incident)), format: .pagerDutyV3,
                payload: payload.bytes),
            deduplicationKey: id)
    }
}
