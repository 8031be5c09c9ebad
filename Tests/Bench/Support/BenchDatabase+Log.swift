import Glibc
import Models
import Postgres
import Store

extension BenchDatabase {
    /// Appends as `ingest` does, with two writers.
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

    /// Planner statistics and visibility as autovacuum leaves them, and nothing owed to the disk.
    func settle() async throws {
        try await pool.query("VACUUM (ANALYZE) lane")
        try await pool.query("VACUUM (ANALYZE) job")
        try await pool.query("CHECKPOINT")
    }

    /// Waits until this many events have ended, or the time is over: what was settled until then
    /// still has a rate.
    func awaitSettled(
        _ count: Int64, by child: ChildProcess, withinSeconds seconds: Double,
        where lanes: SQL = "true"
    ) async throws {
        let end = monotonicNanoseconds() + nanoseconds(seconds)
        while monotonicNanoseconds() < end {
            try child.checkRunning()
            // Lanes know their numbers: this counts nothing in the log.
            let done = try await number(
                "SELECT coalesce(sum(done), 0)::bigint FROM lane WHERE \(lanes)")
            if done >= count { return }
            await pause(seconds: 0.2)
        }
    }
}
