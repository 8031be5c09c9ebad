import Glibc
import Models
import Postgres
import Store

/// How many buffers of the tables one lease touches, as the server counts them.
struct HotLaneBuffers {
    private static let leases = 20

    let laboratory: Laboratory

    func ofOneLease(waiting: Int) async throws -> Double {
        let database = try await laboratory.database("bench_buffers", .webhooksOnly())
        try await fill(database, waiting)
        let worker = try await database.store.register(name: "bench", ttlSeconds: 60)
        let limits = LeaseLimits(lanesMax: 64, jobsPerLaneMax: WorkerProcess.jobsPerLaneMax)
        var touched: Int64 = 0
        for _ in 0..<Self.leases {
            let before = try await buffers(database)
            let lease = try await inOwnSession(database) {
                try await $0.lease(for: worker, limits: limits)
            }
            touched += try await buffers(database) - before
            guard lease.lanes.count == 1 else { throw BenchFailure("no lane was leased") }
            _ = try await inOwnSession(database) {
                try await $0.settle(
                    lease.lanes.map {
                        LaneSettlement(fence: $0.fence, settlements: [], next: .proceed)
                    })
            }
        }
        try await laboratory.drop(database)
        return Double(touched) / Double(Self.leases)
    }

    /// A session tells what it touched when it ends: waits until it has.
    private func inOwnSession<Value>(
        _ database: Database, _ body: (Store) async throws -> Value
    ) async throws -> Value {
        let before = try await sessions(database)
        let pool = Pool(database.address)
        let value = try await body(Store(pool))
        pool.close()
        while try await sessions(database) > before { block(milliseconds: 5) }
        return value
    }

    private func sessions(_ database: Database) async throws -> Int64 {
        try await database.number(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'
            """)
    }

    /// One lane whose backlog is copied from its first event; vacuum must not count as a lease.
    private func fill(_ database: Database, _ waiting: Int) async throws {
        _ = try await database.store.append([Webhooks(incidents: 1).event(0)])
        let partitions = try await database.pool.query(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'job'::regclass"
        ).decoded(String.self)
        for table in partitions + ["lane"] {
            try await database.pool.query(
                "ALTER TABLE \(unescaped: table) SET (autovacuum_enabled = off)")
        }
        try await database.pool.query(
            """
            INSERT INTO job (segment, lane_id, sequence, connection, occurred_at, event_id, source,
                kind, format, payload)
            SELECT segment, lane_id, number, connection, occurred_at, 'copy-' || number, source,
                kind, format, '{}'
            FROM job, generate_series(2, \(Int64(waiting))) AS number
            """)
        try await database.pool.query("UPDATE lane SET tail = \(Int64(waiting))")
        try await database.pool.query("VACUUM (ANALYZE) job")
        try await database.pool.query("VACUUM (ANALYZE) lane")
    }

    private func buffers(_ database: Database) async throws -> Int64 {
        try await database.number(
            """
            SELECT sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0)
                + coalesce(toast_blks_read + toast_blks_hit, 0))::bigint
            FROM pg_statio_user_tables WHERE relname = 'lane' OR relname LIKE 'job%'
            """)
    }
}
