import Crypto
import Foundation
import JSON
import Models
import Postgres
import Runtime
import Sandbox
import Store
import XCTest

/// Two real workers over a real Postgres; one is killed in the middle, and Postgres crashes.
final class CrashTests: XCTestCase {
    private static let lanes = 500
    private static let eventsPerLane = 20
    private static let events = lanes * eventsPerLane

    func testEveryEventIsSettledOnceAndInOrderThroughCrashes() async throws {
        let cluster = try PrivateCluster(for: self)
        try await Sandbox.running(Sandbox.Options.forCrashes) { sandbox in
            let world = try await World(cluster, sandbox)
            let first = try world.startWorker("first", for: self)
            let second = try world.startWorker("second", for: self)
            let finished = try await atMost(seconds: 240) {
                var (killed, restarted) = (false, false)
                for await settled in world.progress() {
                    if !killed, settled >= Self.events / 5 {
                        killed = true
                        first.kill()
                    }
                    if !restarted, settled >= Self.events / 2 {
                        restarted = true
                        try cluster.restart()
                    }
                    if settled == Self.events { return }
                }
            }
            XCTAssertTrue(finished, second.logText)
            XCTAssertEqual(second.terminate(), 0, second.logText)
            try await world.checkLedger()
            world.checkOrder(of: sandbox.calls)
        }
    }
}

/// Whether the body came to its end in that time: a test that waits for ever tells nothing.
private func atMost(
    seconds: Double, _ body: @escaping @Sendable () async throws -> Void
) async throws -> Bool {
    try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
            try await body()
            return true
        }
        group.addTask { await Latch().wait(atMost: .seconds(seconds)) }
        defer { group.cancelAll() }
        return try await group.next() ?? false
    }
}

extension Sandbox {
    fileprivate enum Options {
        static var forCrashes: SandboxOptions {
            var options = SandboxOptions()
            options.salesforce.publicKeyPEM = World.key?.publicPEM
            return options
        }
    }
}

/// The configuration, the records and the waiting events of the test.
private struct World {
    static let key = try? RSAPrivateKey.generate(bits: 2048)
    static let masterKey = SecureRandom.bytes(32)

    let cluster: PrivateCluster
    let address: Address
    let pool: Pool
    let records: [RecordID]

    init(_ cluster: PrivateCluster, _ sandbox: Sandbox) async throws {
        self.cluster = cluster
        address = try XCTUnwrap(Address(cluster.url))
        _ = try await Store.migrate(address)
        pool = Pool(address)
        let store = Store(pool, secretKeys: try SecretKeys(Self.masterKey))
        _ = try await store.apply(try Self.configuration(for: sandbox), by: "test")
        records = try await Self.cases(in: sandbox)
        for (number, record) in records.enumerated() {
            let link = Link(incident: Self.incident(number), object: "Case", record: record)
            try await store.link(link, in: "acme")
        }
        try await announceProgress()
        try await Self.append(to: store)
    }

    private static func incident(_ number: Int) -> IncidentID { IncidentID("Q\(1000 + number)") }

    private static func configuration(for sandbox: Sandbox) throws -> Configuration {
        let rulesets = JSONReader(
            [
                [
                    "name": "Numbers",
                    "rules": [
                        [
                            "id": "number", "object": "Case", "direction": "incidentChange",
                            "when": ["always": true],
                            "actions": [
                                [
                                    "type": "setField", "field": "PagerDuty_Incident_Number__c",
                                    "value": "{{incident.number}}",
                                ]
                            ],
                        ]
                    ],
                ]
            ], problems: JSONProblems())
        let connection = Connection(
            id: "acme", name: "Acme",
            salesforce: SalesforceOrganization(
                loginURL: sandbox.salesforceURL, audience: "https://login.salesforce.com",
                clientID: SandboxOptions().salesforce.consumerKey,
                username: SandboxOptions().salesforce.username,
                privateKey: SecretText(try XCTUnwrap(key).pem)))
        return Configuration(entries: [
            Configuration.ConnectionEntry(
                connection: connection, rulesets: try XCTUnwrap(Ruleset.list(reading: rulesets)))
        ])
    }

    private static func cases(in sandbox: Sandbox) async throws -> [RecordID] {
        var ids: [RecordID] = []
        for start in stride(from: 0, to: 500, by: 100) {
            let records = (start..<(start + 100)).map { JSON.object(["Subject": .string("\($0)")]) }
            let answer = await sandbox.control(
                "POST", "/_sandbox/salesforce/act",
                ["do": "create", "object": "Case", "records": .array(records)])
            XCTAssertEqual(answer.status, 200, answer.body.text)
            let made = answer.body["ids"]?.array ?? []
            ids += made.compactMap { $0.string.flatMap { RecordID($0) } }
        }
        XCTAssertEqual(ids.count, 500)
        return ids
    }

    /// Event `n` of a lane tells the incident's number as `n`.
    private static func append(to store: Store) async throws {
        for number in 1...20 {
            let events = (0..<500).map { lane -> NewEvent in
                let id = EventID("e\(lane)-\(number)")
                let payload: JSON = [
                    "id": .string(id.rawValue), "event_type": "incident.escalated",
                    "data": [
                        "id": .string(incident(lane).rawValue), "type": "incident",
                        "number": .number(JSONNumber(number)), "status": "triggered",
                        "service": ["id": "P1", "summary": "Shop"],
                    ],
                ]
                return NewEvent(
                    event: Event(
                        id: id, connection: "acme", source: .pagerDuty,
                        kind: .incident(.escalated),
                        occurredAt: Timestamp(seconds: 1_780_000_000 + Int64(number)),
                        lane: .incident(incident(lane)), format: .pagerDutyV3,
                        payload: payload.bytes),
                    deduplicationKey: id.rawValue)
            }
            _ = try await store.append(events)
        }
    }

    func startWorker(_ name: String, for testCase: XCTestCase) throws -> RunningProgram {
        try RunningProgram(
            "worker",
            environment: [
                "LIAISON_DATABASE_URL": cluster.url,
                "LIAISON_MASTER_KEY": Base64.encode(Self.masterKey),
                "LIAISON_WORKER_NAME": name, "LIAISON_WORKER_OPERATIONS_PORT": "0",
                // Short, so that the lanes of the killed worker do not have to be waited for long.
                "LIAISON_WORKER_LEASE_SECONDS": "3", "LIAISON_WORKER_JOBS_PER_LANE_MAX": "3",
            ], for: testCase)
    }

    /// A trigger tells whenever the ledger grew, so that nobody has to ask every so often.
    private func announceProgress() async throws {
        _ = try await pool.query(
            """
            CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_notify('progress', ''); RETURN NULL; END $$
            """)
        _ = try await pool.query(
            """
            CREATE TRIGGER announce AFTER INSERT ON settlement
            FOR EACH STATEMENT EXECUTE FUNCTION announce()
            """)
    }

    /// How many events are settled, again and again.
    func progress() -> Progress {
        let listener = Listener(to: address, channels: ["progress"])
        return Progress(signals: listener.makeAsyncIterator(), pool: pool)
    }

    struct Progress: AsyncSequence, AsyncIteratorProtocol {
        fileprivate var signals: Listener.Iterator
        fileprivate let pool: Pool

        func makeAsyncIterator() -> Self { self }

        mutating func next() async -> Int? {
            while await signals.next() != nil {
                let counts = try? await pool.query("SELECT count(*) FROM settlement")
                    .decoded(Int.self)
                if let count = counts?.first { return count }
            }
            return nil
        }
    }

    func checkLedger() async throws {
        let rows = try await pool.query(
            """
            SELECT count(*), count(DISTINCT (lane_id, sequence)),
                count(*) FILTER (WHERE outcome = 'applied') FROM settlement
            """
        ).decoded(Int.self, Int.self, Int.self)
        let (settled, distinct, applied) = try XCTUnwrap(rows.first)
        XCTAssertEqual(settled, 10_000)
        XCTAssertEqual(distinct, 10_000)
        XCTAssertEqual(applied, 10_000)
        let open = try await pool.query(
            "SELECT count(*) FROM lane WHERE state <> 0 OR done <> tail OR done <> 20"
        ).decoded(Int.self)
        XCTAssertEqual(open, [0])
    }

    /// A write may be repeated by who took over, but never made after a newer one.
    func checkOrder(of calls: [RecordedCall]) {
        var last: [RecordID: Int] = [:]
        for (id, number) in calls.flatMap(\.numbersWritten) {
            XCTAssertGreaterThanOrEqual(number, last[id] ?? 0, "\(id) went back")
            last[id] = number
        }
        XCTAssertEqual(last.count, records.count)
        XCTAssertEqual(Set(last.values), [20])
    }
}

extension RecordedCall {
    /// By record: one in a call of its own, or several that travelled together.
    fileprivate var numbersWritten: [(RecordID, Int)] {
        guard method == "PATCH", status == 200 || status == 204,
            let body = try? JSON(parsing: body)
        else { return [] }
        let own = path.split(separator: "/").last.map(String.init)
        let records = body["records"]?.array?.map { ($0["id"]?.string, $0) } ?? [(own, body)]
        return records.compactMap { id, fields in
            guard let id = id.flatMap({ RecordID($0) }),
                let number = fields["PagerDuty_Incident_Number__c"]?.int
            else { return nil }
            return (id, number)
        }
    }
}
