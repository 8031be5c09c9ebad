import Models
import Postgres
import Store

/// The buffers of the log's tables that one lease of a lane with a huge backlog touches.
struct HotLaneBuffers {
    private static let leases = 20

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let few = try await buffersPerLease(waiting: 1_000)
        let many = try await buffersPerLease(waiting: 1_000_000)
        return [
            Measurement(
                name: "hot-lane-buffers", value: many, unit: "buffers/lease", yardstick: few,
                goal: "<= 1.1 x: 1,000,000 waiting against 1,000", ok: many <= 1.1 * few)
        ]
    }

    private func buffersPerLease(waiting: Int) async throws -> Double {
        let database = try await environment.database("bench_buffers", .webhooksOnly())
        try await database.fillOneLane(waiting: waiting)
        try await database.countBuffersOfLaneUpdates()
        let worker = try await database.store.register(name: "bench", ttl: .seconds(60))
        var touched: Int64 = 0
        for _ in 0..<Self.leases {
            touched += try await buffersOfOneLease(database, worker)
        }
        try await environment.drop(database)
        return Double(touched) / Double(Self.leases)
    }

    /// Leases the lane in its own session, whose counters begin at zero. The lane is given back
    /// without settling a job.
    private func buffersOfOneLease(
        _ database: BenchDatabase, _ worker: WorkerID
    ) async throws -> Int64 {
        let limits = LeaseLimits(lanesMax: 64, jobsPerLaneMax: WorkerProcess.jobsPerLaneMax)
        let pool = Pool(database.address)
        defer { pool.close() }
        let lanes = try await Store(pool).lease(for: worker, limits: limits).lanes
        let counts = try await database.takeBufferCounts()
        guard lanes.count == 1, counts.count == 1 else {
            throw BenchFailure("\(lanes.count) lanes were leased, \(counts.count) leases counted")
        }
        _ = try await database.store.settle(
            lanes.map { LaneSettlement(fence: $0.fence, settlements: [], next: .proceed) })
        _ = try await database.takeBufferCounts()
        return counts[0]
    }
}

extension BenchDatabase {
    /// Creates one lane whose backlog is copied from its first event.
    fileprivate func fillOneLane(waiting: Int) async throws {
        _ = try await store.append([Webhooks(incidents: 1).event(0)])
        try await pool.query(
            """
            INSERT INTO job (segment, lane_id, sequence, connection, occurred_at, event_id, source,
                kind, format, payload)
            SELECT segment, lane_id, number, connection, occurred_at, 'copy-' || number, source,
                kind, format, '{}'
            FROM job, generate_series(2, \(Int64(waiting))) AS number
            """)
        try await pool.query("UPDATE lane SET tail = \(Int64(waiting))")
        try await pool.query("VACUUM (ANALYZE) job")
        try await pool.query("VACUUM (ANALYZE) lane")
    }

    /// Records the buffers of `lane` and `job` that a session has touched, after each of its
    /// statements that updates a lane.
    ///
    /// The trigger runs at the end of the statement and reads the counters of its own session. The
    /// shared counters (`pg_statio_user_tables`) would not do: every session adds its work to them
    /// up to ten seconds late, so they grow during a lease by work that was done before it.
    fileprivate func countBuffersOfLaneUpdates() async throws {
        try await pool.query(
            """
            CREATE TABLE counted_relation AS
            WITH counted AS (
                SELECT oid, reltoastrelid FROM pg_class
                WHERE relkind = 'r' AND (relname = 'lane' OR relname LIKE 'job%')),
            heap AS (SELECT oid FROM counted UNION SELECT reltoastrelid FROM counted)
            SELECT oid FROM heap UNION SELECT indexrelid FROM pg_index JOIN heap ON indrelid = oid
            """)
        try await pool.query("CREATE TABLE buffer_count (buffers bigint NOT NULL)")
        try await pool.query(
            """
            CREATE FUNCTION count_buffers() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO buffer_count
                SELECT sum(pg_stat_get_xact_blocks_fetched(oid)) FROM counted_relation;
                RETURN NULL;
            END $$
            """)
        try await pool.query(
            """
            CREATE TRIGGER count_buffers AFTER UPDATE ON lane
            FOR EACH STATEMENT EXECUTE FUNCTION count_buffers()
            """)
    }

    fileprivate func takeBufferCounts() async throws -> [Int64] {
        try await pool.query("DELETE FROM buffer_count RETURNING buffers").decoded(Int64.self)
    }
}
