import Glibc
import Models
import Postgres
import Store

extension BenchDatabase {
    /// Appends events with two writers, as `ingest` does.
    func append(_ events: Range<Int>, of webhooks: Webhooks) async throws {
        let batch = 500
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    let starts = stride(
                        from: events.lowerBound + writer * batch, to: events.upperBound,
                        by: 2 * batch)
                    for start in starts {
                        let numbers = start..<min(start + batch, events.upperBound)
                        _ = try await store.append(numbers.map(webhooks.event))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Leaves planner statistics and visibility maps as autovacuum does, and no dirty page.
    func vacuumAndCheckpoint() async throws {
        try await pool.query("VACUUM (ANALYZE) lane")
        try await pool.query("VACUUM (ANALYZE) job")
        try await pool.query("CHECKPOINT")
    }

    /// Waits until this many events are settled, or until `duration` has passed. The events settled
    /// by then still have a rate.
    func awaitSettled(
        _ count: Int64, by child: ChildProcess, within duration: Duration,
        where lanes: SQL = "true"
    ) async throws {
        let deadline = ContinuousClock.now + duration
        while .now < deadline {
            try child.checkRunning()
            // The sum over the lanes reads no row of the log.
            let done = try await number(
                "SELECT coalesce(sum(done), 0)::bigint FROM lane WHERE \(lanes)")
            if done >= count { return }
            await pause(for: .milliseconds(200))
        }
    }
}
