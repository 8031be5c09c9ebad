import JSON
import Models
import Postgres
import Store
import TestSupport
import XCTest

/// A store on a database of its own, with the connections `one` and `two`.
struct StoreFixture: Sendable {
    let database: TestDatabase
    let pool: Pool
    let store: Store

    static func make(
        for testCase: XCTestCase, mode: StatementMode = .prepared
    ) async throws -> Self {
        let database = try await TestDatabase.make(for: testCase, migrations: Store.migrations)
        let pool = database.pool(connectionsMax: 12, mode: mode)
        _ = try await pool.query("INSERT INTO connection (id) VALUES ('one'), ('two')")
        return StoreFixture(database: database, pool: pool, store: Store(pool))
    }

    /// The single number that the statement answers.
    func number(_ statement: SQL) async throws -> Int {
        let rows = try await pool.query(statement).decoded(Int.self)
        return try XCTUnwrap(rows.first)
    }

    /// The deadlocks of this database since it was created. Ends all sessions: one that goes on
    /// reports its deadlocks late.
    func deadlocks() async throws -> Int {
        let pool = database.pool(connectionsMax: 1)
        _ = try await pool.query(
            """
            SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'
                AND pid <> pg_backend_pid()
            """)
        let row = try await pool.query(
            """
            SELECT deadlocks, (SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND backend_type = 'client backend')
            FROM pg_stat_database WHERE datname = current_database()
            """
        ).decoded(Int.self, Int.self).first
        let (deadlocks, sessions) = try XCTUnwrap(row)
        XCTAssertEqual(sessions, 1)
        return deadlocks
    }

    func append(_ events: [NewEvent]) async throws -> [Appended] {
        try await store.append(events)
    }

    /// Appends the events `1...count` of one lane.
    func append(
        _ count: Int, to lane: LaneKey, of connection: ConnectionID = "one"
    ) async throws {
        for start in stride(from: 1, through: count, by: 1000) {
            let events = (start...min(start + 999, count)).map {
                NewEvent.sample("\(connection)/\(lane)/\($0)", lane: lane, connection: connection)
            }
            _ = try await store.append(events)
        }
    }

    func worker(_ name: String = "worker") async throws -> WorkerID {
        try await store.register(name: name, ttl: .seconds(3600))
    }

    func lease(
        _ worker: WorkerID, lanes: Int = 100, jobs: Int = 100,
        settling settlements: [LaneSettlement] = []
    ) async throws -> Lease {
        try await store.lease(
            for: worker, limits: LeaseLimits(lanesMax: lanes, jobsPerLaneMax: jobs),
            settling: settlements)
    }

    /// Leases the only lane that is due.
    func leasedLane(_ worker: WorkerID, jobs: Int = 100) async throws -> LeasedLane {
        let lanes = try await lease(worker, jobs: jobs).lanes
        XCTAssertEqual(lanes.count, 1)
        return try XCTUnwrap(lanes.first)
    }

    /// Lets the worker's registration expire.
    func expire(_ worker: WorkerID) async throws {
        _ = try await pool.query(
            """
            UPDATE worker SET expires_at = now() - interval '1 second'
            WHERE id = \(worker.rawValue)
            """)
    }

    /// Ends every delay.
    func passDelays() async throws { try await setReady(to: "now()") }

    /// Lets time pass for the lanes that wait.
    func pass(seconds: Double) async throws {
        try await setReady(to: "ready_at - \(seconds) * interval '1 second'")
    }

    private func setReady(to moment: SQL) async throws {
        _ = try await pool.query(
            """
            WITH waiting AS MATERIALIZED (
                SELECT lane_id FROM lane WHERE state = 1 ORDER BY lane_id FOR UPDATE)
            UPDATE lane SET ready_at = \(moment)
            FROM waiting WHERE lane.lane_id = waiting.lane_id
            """)
    }
}

extension NewEvent {
    static func sample(
        _ id: String, lane: LaneKey = "incident:Q1", connection: ConnectionID = "one",
        key: String? = nil, payload: String = "{}"
    ) -> NewEvent {
        NewEvent(
            event: Event(
                id: EventID(id), connection: connection, source: .pagerDuty,
                kind: .incident(.triggered), occurredAt: Timestamp(seconds: 1_780_000_000),
                lane: lane, format: .pagerDutyV3, payload: Array(payload.utf8)),
            deduplicationKey: key ?? id)
    }
}

extension EffectStart {
    /// An effect whose command does not matter.
    init(
        _ key: EffectKey, of job: Job, under fence: Fence, facts: JSON? = nil,
        writes: [JournalEntry] = []
    ) {
        self.init(
            key, of: job, under: fence, command: .addNote("Q1", text: "Note"), facts: facts,
            writes: writes)
    }
}

extension LeasedLane {
    /// A settlement of all jobs, or of the first ones, with the same outcome.
    func settled(
        _ outcome: Outcome = .applied, first count: Int? = nil,
        next: LaneSettlement.Next = .proceed
    ) -> LaneSettlement {
        LaneSettlement(
            fence: fence,
            settlements: jobs.prefix(count ?? jobs.count).map {
                Settlement(
                    job: $0, attempt: $0 == jobs.first ? attempt : 1, outcome: outcome)
            }, next: next)
    }
}

func assertThrows<T>(
    _ expected: StoreError, line: UInt = #line, _ body: () async throws(StoreError) -> T
) async {
    do {
        _ = try await body()
        XCTFail("no error", line: line)
    } catch {
        XCTAssertEqual(error, expected, line: line)
    }
}
