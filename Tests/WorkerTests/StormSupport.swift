import Crypto
import JSON
import Models
import Postgres
import Runtime
import Sandbox
import Store
import Synchronization
import TestSupport
import XCTest

@testable import Worker

/// Workers in this process, over a Postgres of their own, against stand-ins of both vendors. Time
/// goes on as usual, and can be moved forward for all of them at once.
struct StormHouse: Sendable {
    let database: TestDatabase
    let pool: Pool
    let store: Store
    let sandbox: Sandbox
    let clock = MovableClock()

    private static let key = try? RSAPrivateKey.generate(bits: 2048)
    private static let masterKey = SecureRandom.bytes(32)

    static func running(
        for testCase: XCTestCase, _ adjust: (inout SandboxOptions) -> Void = { _ in },
        _ body: (StormHouse) async throws -> Void
    ) async throws {
        var options = SandboxOptions()
        options.salesforce.publicKeyPEM = key?.publicPEM
        adjust(&options)
        try await Sandbox.running(options) { sandbox in
            try await body(try await StormHouse(for: testCase, sandbox))
        }
    }

    private init(for testCase: XCTestCase, _ sandbox: Sandbox) async throws {
        self.sandbox = sandbox
        database = try await TestDatabase.make(for: testCase, migrations: Store.migrations)
        pool = database.pool(connectionsMax: 4)
        store = Store(pool, secretKeys: try SecretKeys(Self.masterKey))
        try await announceChanges()
    }

    enum Sides { case both, pagerDuty, salesforce }

    func connection(
        _ id: ConnectionID, _ sides: Sides, _ rules: JSON
    ) throws -> Configuration.ConnectionEntry {
        var connection = Connection(id: id, name: id.rawValue)
        let options = SandboxOptions()
        if sides != .salesforce {
            connection.pagerDuty = PagerDutyAccount(
                apiURL: sandbox.pagerDutyURL, token: SecretText(options.pagerDuty.apiKey),
                from: "liaison@example.com")
        }
        if sides != .pagerDuty {
            connection.salesforce = SalesforceOrganization(
                loginURL: sandbox.salesforceURL, audience: "https://login.salesforce.com",
                clientID: options.salesforce.consumerKey, username: options.salesforce.username,
                privateKey: SecretText(try XCTUnwrap(Self.key).pem))
        }
        let rulesets = JSONReader([["name": "Storm", "rules": rules]], problems: JSONProblems())
        return Configuration.ConnectionEntry(
            connection: connection, rulesets: try XCTUnwrap(Ruleset.list(reading: rulesets)))
    }

    func apply(_ entries: Configuration.ConnectionEntry...) async throws {
        _ = try await store.apply(Configuration(entries: entries), by: "test")
    }

    func incidents(_ count: Int) async throws -> [IncidentID] {
        var ids: [IncidentID] = []
        for number in 0..<count {
            let answer = await sandbox.control(
                "POST", "/_sandbox/pagerduty/act",
                ["do": "trigger", "title": .string("Storm \(number)")])
            ids.append(IncidentID(try XCTUnwrap(answer.body["incident"]?["id"]?.string)))
        }
        return ids
    }

    func cases(_ count: Int) async throws -> [RecordID] {
        var ids: [RecordID] = []
        for start in stride(from: 0, to: count, by: 100) {
            let records = (start..<min(start + 100, count)).map {
                JSON.object(["Subject": .string("before \($0)")])
            }
            let answer = await sandbox.control(
                "POST", "/_sandbox/salesforce/act",
                ["do": "create", "object": "Case", "records": .array(records)])
            let texts = answer.body["ids"]?.array?.compactMap(\.string) ?? []
            ids += texts.compactMap { RecordID($0) }
        }
        XCTAssertEqual(ids.count, count)
        return ids
    }

    func subject(of record: RecordID) async -> String? {
        let answer = await sandbox.control(
            "GET", "/_sandbox/salesforce/records/Case/\(record.long)")
        return answer.body["record"]?["Subject"]?.string
    }

    func order(_ fault: JSON) async {
        let answer = await sandbox.control("POST", "/_sandbox/faults", fault)
        XCTAssertEqual(answer.status, 201, answer.body.text)
    }

    var pagerDutyCalls: [RecordedCall] { sandbox.calls.filter { $0.vendor == .pagerDuty } }

    /// An event of its own lane that tells of the incident.
    func event(
        _ number: Int, _ incident: IncidentID, of connection: ConnectionID,
        _ kind: String = "incident.escalated", title: String? = nil
    ) -> NewEvent {
        let id = EventID("\(connection)-\(number)")
        let payload: JSON = [
            "id": .string(id.rawValue), "event_type": .string(kind),
            "data": [
                "id": .string(incident.rawValue), "type": "incident",
                "title": .string(title ?? "storm \(number)"), "status": "triggered",
                "number": .number(JSONNumber(number)),
                "service": ["id": "P1", "summary": "Shop"],
            ],
        ]
        return NewEvent(
            event: Event(
                id: id, connection: connection, source: .pagerDuty,
                kind: EventKind(rawValue: kind),
                occurredAt: Timestamp(seconds: 1_780_000_000), lane: LaneKey("incident:\(id)"),
                format: .pagerDutyV3, payload: payload.bytes),
            deduplicationKey: id.rawValue)
    }

    func append(_ events: [NewEvent]) async throws {
        for start in stride(from: 0, to: events.count, by: 500) {
            _ = try await store.append(Array(events[start..<min(start + 500, events.count)]))
        }
    }

    /// Workers that run while `body` does.
    func withWorkers(
        _ count: Int = 1, _ adjust: (inout WorkerLimits) -> Void = { _ in },
        _ body: () async throws -> Void
    ) async throws {
        var environment = [
            "LIAISON_DATABASE_URL": database.url,
            "LIAISON_MASTER_KEY": Base64.encode(Self.masterKey),
            "LIAISON_WORKER_OPERATIONS_PORT": "0", "LIAISON_LOG_LEVEL": "error",
        ]
        let stop = Latch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { stop.open() }
            for number in 1...count {
                environment["LIAISON_WORKER_NAME"] = "worker \(number)"
                var configuration = try WorkerConfiguration.read(environment)
                configuration.limits.pollInterval = .milliseconds(50)
                // One incident gets what in life many would.
                configuration.limits.changesPerTargetMax = 1_000_000
                adjust(&configuration.limits)
                let worker = try worker(configuration)
                group.addTask { try await worker.run(until: stop) }
                await worker.isRegistered.wait(atMost: .seconds(60))
            }
            try await body()
        }
    }

    private func worker(_ configuration: WorkerConfiguration) throws -> Worker {
        var limits = PoolLimits()
        limits.connectionsMax = configuration.limits.databaseConnectionsMax
        limits.waitersMax = configuration.limits.lanesMax * 2 + 16
        limits.waitSecondsMax = 60
        let store = Store(
            Pool(database.address, limits: limits), secretKeys: try SecretKeys(Self.masterKey))
        return try Worker(
            configuration, store: store, log: Log("worker", level: .error), clocks: clock.clocks)
    }

    /// As if so long had passed, for everybody. A lane that would be due in the past is due now:
    /// workers look from where they found the last ones (`LeaseFloors`).
    func pass(_ seconds: Double) async throws {
        // A turn that was decided before must not postpone its lane by a time that has passed
        // since: no lane is leased until those of now are given back.
        _ = try await pool.query(
            """
            UPDATE connection
            SET blocked_until = greatest(blocked_until, now()) + interval '1 hour'
            """)
        try await until("SELECT (count(*) = 0)::int FROM lane WHERE state = 2", atLeast: 1)
        sandbox.clock.advance(bySeconds: seconds)
        clock.advance(seconds)
        _ = try await pool.query(
            """
            UPDATE budget SET next_at = next_at - \(seconds) * interval '1 second',
                closed_until = closed_until - \(seconds) * interval '1 second',
                open_until = open_until - \(seconds) * interval '1 second'
            """)
        _ = try await pool.query(
            """
            WITH waiting AS MATERIALIZED (
                SELECT lane_id FROM lane WHERE state = 1 ORDER BY lane_id FOR UPDATE SKIP LOCKED)
            UPDATE lane SET ready_at = least(ready_at,
                greatest(ready_at - \(seconds) * interval '1 second', clock_timestamp()))
            FROM waiting WHERE lane.lane_id = waiting.lane_id
            """)
        _ = try await pool.query(
            """
            UPDATE connection SET blocked_until =
                blocked_until - interval '1 hour' - \(seconds) * interval '1 second'
            """)
    }

    /// Triggers tell when the ledger grew and when a connection was blocked or a budget changed, so
    /// that nobody has to ask every so often.
    private func announceChanges() async throws {
        _ = try await pool.query(
            """
            CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_notify('changes', ''); RETURN NULL; END $$
            """)
        for (table, event) in [
            ("settlement", "INSERT"), ("connection", "UPDATE"), ("budget", "UPDATE"),
            ("lane", "UPDATE"),
        ] {
            _ = try await pool.query(
                """
                CREATE TRIGGER announce AFTER \(unescaped: event) ON \(unescaped: table)
                FOR EACH STATEMENT EXECUTE FUNCTION announce()
                """)
        }
    }

    func number(_ statement: SQL) async throws -> Int {
        let rows = try await pool.query(statement).decoded(Int.self)
        return try XCTUnwrap(rows.first)
    }

    /// Returns when the statement answers at least `expected`; looks whenever something changed.
    func until(_ statement: SQL, atLeast expected: Int) async throws {
        let changes = Listener(to: database.address, channels: ["changes"])
        let came = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in changes where try await number(statement) >= expected {
                    return true
                }
                return false
            }
            group.addTask { await Latch().wait(atMost: .seconds(Self.patienceSeconds)) }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        guard came else { throw Overdue(statement: statement.text) }
    }

    /// A test that waits for ever tells nothing.
    private static let patienceSeconds = 240.0

    struct Overdue: Error { let statement: String }

    func untilSettled(_ count: Int) async throws {
        try await until("SELECT count(*) FROM settlement", atLeast: count)
    }

    func checkAllApplied(_ count: Int, line: UInt = #line) async throws {
        let outcomes = try await pool.query(
            "SELECT outcome, attempt, count(*) FROM settlement GROUP BY 1, 2 ORDER BY 1, 2"
        ).decoded(String.self, Int.self, Int.self)
        XCTAssertEqual(outcomes.map(\.0), ["applied"], line: line)
        XCTAssertEqual(outcomes.map(\.1), [1], "attempts", line: line)
        XCTAssertEqual(outcomes.map(\.2), [count], line: line)
    }
}

/// The machine's time, and what a test adds to it.
final class MovableClock: Sendable {
    private let offset = Mutex(0.0)

    private var added: Double { offset.withLock { $0 } }

    var clocks: Clocks {
        let system = Clocks.system
        return Clocks(
            now: { system.now().advanced(bySeconds: self.added) },
            seconds: { system.seconds() + self.added })
    }

    func advance(_ seconds: Double) { offset.withLock { $0 += seconds } }
}
