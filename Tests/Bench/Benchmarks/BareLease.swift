import Postgres

/// The yardstick of `drain`: the bare statements of a lane queue (Queue.md 1, 3 and 7), run by
/// pgbench. One transaction completes the last batch and leases the next. The jobs are read and
/// discarded: no ledger is written and no rule is evaluated.
struct BareLease {
    let pgbench: PgBench
    private let database: BenchDatabase

    /// Copies the lanes as they are; the log is shared.
    init(in environment: BenchEnvironment, on database: BenchDatabase) async throws {
        self.database = database
        var bench = environment.pgbench(on: database)
        // The Store gives the planner the same settings.
        bench.url += """
             options='-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off \
            -c jit=off'
            """
        pgbench = bench
        try await database.pool.query("CREATE TABLE bare_lane (LIKE lane INCLUDING ALL)")
        try await database.pool.query(
            """
            ALTER TABLE bare_lane SET (fillfactor = 50, vacuum_truncate = off,
                autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_scale_factor = 0.01,
                autovacuum_vacuum_threshold = 500)
            """)
        try await database.pool.query("INSERT INTO bare_lane SELECT * FROM lane")
        try await database.pool.query("VACUUM (ANALYZE) bare_lane")
    }

    /// Returns the rate at which events are leased and completed until none is left.
    func run(clients: Int, lanes: Int) async throws -> Double {
        try await database.pool.query(
            "UPDATE bare_lane SET state = 1, done = 0, owner = NULL, ready_at = now()")
        try await database.pool.query("VACUUM (ANALYZE) bare_lane")
        try await database.pool.query("CHECKPOINT")
        let transactions = lanes / WorkerProcess.lanesMax / clients
        let result = try pgbench.run(
            PgBench.Run(
                script: Self.script, clients: clients, end: .transactionsOfEachClient(transactions),
                variables: ["lanes": "{}", "epochs": "{}", "dones": "{}", "uptos": "{}"]))
        let completed = try await database.number("SELECT sum(done)::bigint FROM bare_lane")
        let seconds = Double(transactions * clients) / result.transactionsPerSecond
        return Double(completed) / seconds
    }

    private static let script = """
        BEGIN;
        WITH finished AS MATERIALIZED (
            SELECT lane.lane_id, input.upto
            FROM unnest(:lanes::bigint[], :epochs::bigint[], :uptos::bigint[])
                AS input (lane_id, epoch, upto)
            JOIN bare_lane AS lane USING (lane_id)
            WHERE lane.epoch = input.epoch AND lane.state = 2
            ORDER BY lane.lane_id FOR UPDATE OF lane)
        UPDATE bare_lane AS lane SET done = finished.upto, owner = NULL, ready_at = now(),
            state = CASE WHEN lane.tail > finished.upto THEN 1 ELSE 0 END
        FROM finished WHERE lane.lane_id = finished.lane_id;
        WITH picked AS MATERIALIZED (
            SELECT lane_id FROM bare_lane
            WHERE state = 1 AND connection = 1 AND ready_at <= now()
            ORDER BY ready_at LIMIT \(WorkerProcess.lanesMax) FOR UPDATE SKIP LOCKED),
        leased AS (
            UPDATE bare_lane AS lane SET state = 2, owner = :client_id, epoch = lane.epoch + 1
            FROM picked WHERE lane.lane_id = picked.lane_id
            RETURNING lane.lane_id, lane.epoch, lane.done,
                least(lane.tail, lane.done + \(WorkerProcess.jobsPerLaneMax)) AS upto)
        SELECT coalesce(array_agg(lane_id), '{}') AS lanes,
            coalesce(array_agg(epoch), '{}') AS epochs,
            coalesce(array_agg(done), '{}') AS dones, coalesce(array_agg(upto), '{}') AS uptos
        FROM leased \\gset
        SELECT job.sequence, job.payload
        FROM unnest(:lanes::bigint[], :dones::bigint[], :uptos::bigint[])
            AS leased (lane_id, done, upto)
        JOIN bare_lane AS lane USING (lane_id), LATERAL (
            SELECT sequence, payload FROM job
            WHERE job.lane_id = leased.lane_id AND job.sequence > leased.done
                AND job.sequence <= leased.upto
                AND job.segment BETWEEN lane.segment AND lane.tail_segment) AS job;
        COMMIT;

        """
}
