import Glibc
import Models
import Postgres
import Store

/// The sizes and times of a system that appends and settles 5,000 events a second for as long as
/// asked. Tables must stay small, leases and appends must stay quick, also while partitions of the
/// log are created and dropped.
struct SoakBenchmark {
    private static let ratePerSecond = 5_000
    private static let lanes = 20_000
    private static let samplePeriod = Duration.seconds(1)
    private static let partitionPeriod = Duration.seconds(5)
    private static let appendMax = Duration.milliseconds(250)

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let database = try await environment.database(
            "bench_soak", .webhooksOnly(rulesets: [try BenchRules.unmatched(20)]))
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        let appends = TimedAppender(database: database, ratePerSecond: Self.ratePerSecond)
        let samples = try await withThrowingTaskGroup(of: Void.self) { group in
            // An ingest has two writers, too.
            for writer in 0..<2 {
                group.addTask {
                    try await untilCancelled {
                        try await appends.run(Webhooks(incidents: Self.lanes), writer, of: 2)
                    }
                }
            }
            group.addTask {
                try await untilCancelled {
                    try await rotatePartitions(of: database, beside: appends)
                }
            }
            let samples = try await watch(database, worker)
            group.cancelAll()
            try await group.waitForAll()
            return samples
        }
        let vacuums = try await database.number(
            "SELECT autovacuum_count + vacuum_count FROM pg_stat_user_tables WHERE relname = 'lane'"
        )
        worker.child.stop()
        try await environment.drop(database)
        return try await measurements(samples, appends, vacuums: Int(vacuums))
    }

    /// Creates and drops the partition of a past day, again and again, in the way in which the next
    /// day is created and an old day is dropped.
    private func rotatePartitions(of database: BenchDatabase, beside appends: TimedAppender)
        async throws
    {
        var age: Int32 = 100
        while !Task.isCancelled {
            await pause(for: Self.partitionPeriod)
            await appends.begin(.creating)
            for parent in ["job", "settlement", "effect"] {
                try await database.pool.query(
                    "SELECT create_partition(\(parent), segment_now() - \(age), '')")
            }
            await appends.begin(.dropping)
            let done = try await database.store.maintain(Retention(logDays: 30))
            await appends.begin(.none)
            await appends.dropped(done.segmentsDropped.count, busy: done.segmentsBusy.count)
            age += 1
        }
    }

    private struct Sample {
        var bytes: Double
        var indexBytes: Double
        var deadRows: Int
        var settled: Int64
        /// The total time of settle-and-lease round trips so far.
        var exchangeTime: Duration

        var megabytes: Double { (bytes + indexBytes) / 1_048_576 }

        /// Returns the microseconds of round trips for each event settled since `earlier`.
        func cost(since earlier: Sample) -> Double {
            let events = Double(max(1, settled - earlier.settled))
            return (exchangeTime - earlier.exchangeTime).seconds / events * 1e6
        }
    }

    private func watch(_ database: BenchDatabase, _ worker: WorkerProcess) async throws -> [Sample]
    {
        let deadline = ContinuousClock.now + environment.soakDuration
        var samples: [Sample] = []
        while .now < deadline {
            await pause(for: Self.samplePeriod)
            try worker.child.checkRunning()
            let time = try await worker.exchanges(via: environment.http).time
            let rows = try await database.pool.query(
                """
                SELECT pg_table_size('lane')::float8, pg_indexes_size('lane')::float8,
                    (SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'lane'),
                    (SELECT sum(done)::bigint FROM lane)
                """
            ).decoded(Double.self, Double.self, Int.self, Int64?.self)
            for (bytes, indexes, dead, settled) in rows {
                samples.append(
                    Sample(
                        bytes: bytes, indexBytes: indexes, deadRows: dead, settled: settled ?? 0,
                        exchangeTime: time))
            }
        }
        return samples
    }

    private func measurements(
        _ samples: [Sample], _ appends: TimedAppender, vacuums: Int
    ) async throws -> [Measurement] {
        guard samples.count >= 8, let first = samples.first, let last = samples.last else {
            throw BenchFailure("soak needs at least 8 seconds")
        }
        let quarter = samples.count / 4
        let (early, late) = (samples[quarter], samples[samples.count - 1 - quarter])
        let seconds = (Self.samplePeriod * (samples.count - 1)).seconds
        let settled = Double(last.settled - first.settled) / seconds
        let (before, after) = (early.cost(since: first), last.cost(since: late))
        printProgress(
            "lane \(short(last.bytes / 1_048_576)) MB and indexes "
                + "\(short(last.indexBytes / 1_048_576)) MB, at most "
                + "\(samples.map(\.deadRows).max() ?? 0) dead rows, vacuumed \(vacuums) times")
        return [
            Measurement(
                name: "soak", value: settled, unit: "settled/s",
                yardstick: Double(Self.ratePerSecond), goal: ">= 0.95 x the rate appended",
                ok: settled >= 0.95 * Double(Self.ratePerSecond)),
            Measurement(
                name: "soak-lane", value: last.megabytes, unit: "MB lane table and indexes",
                yardstick: early.megabytes, goal: "<= 3 x after the first quarter, and vacuumed",
                ok: last.megabytes <= 3 * early.megabytes && vacuums > 0),
            Measurement(
                name: "soak-exchange", value: after, unit: "us of exchange an event",
                yardstick: before, goal: "<= 1.5 x the first quarter in the last",
                ok: after <= 1.5 * before),
            await partitions(appends),
        ]
    }

    private func partitions(_ appends: TimedAppender) async -> Measurement {
        let ordinary = await appends.latency(during: .none)
        let creating = await appends.latency(during: .creating)
        let dropping = await appends.latency(during: .dropping)
        let (days, busy) = await appends.days
        let worst = Double(max(creating.largest, dropping.largest)) / 1e6
        // The disk may be slow at any time: an append without other work is the measure.
        let slowest = Double(ordinary.largest) / 1e6
        func summary(_ latency: Histogram) -> String {
            "\(latency.count) appends, p99 \(short(latency.milliseconds(quantile: 0.99))) ms, "
                + "slowest \(short(Double(latency.largest) / 1e6)) ms"
        }
        printProgress(
            "\(days) days dropped, \(busy) were in use; without other work "
                + "\(summary(ordinary)); while a day is created \(summary(creating)); "
                + "while one is dropped "
                + summary(dropping))
        return Measurement(
            name: "soak-partitions", value: worst,
            unit: "ms slowest append while days come and go",
            yardstick: slowest,
            goal:
                "<= \(Int(Self.appendMax.milliseconds)) ms or what it takes without, and days are "
                + "dropped",
            ok: worst <= max(Self.appendMax.milliseconds, slowest) && days > 0)
    }
}

/// Appends at a steady rate and records the time of each commit by the work beside it.
private actor TimedAppender {
    /// The change of the log's partitions during an append.
    enum PartitionChange {
        case none, creating, dropping
    }

    private let database: BenchDatabase
    private let ratePerSecond: Int
    private var change = PartitionChange.none
    private var latencies: [PartitionChange: Histogram] = [:]
    private(set) var days = (dropped: 0, busy: 0)

    init(database: BenchDatabase, ratePerSecond: Int) {
        self.database = database
        self.ratePerSecond = ratePerSecond
    }

    func begin(_ change: PartitionChange) { self.change = change }
    func dropped(_ count: Int, busy: Int) {
        days.dropped += count
        days.busy += busy
    }
    func latency(during change: PartitionChange) -> Histogram {
        latencies[change] ?? Histogram()
    }

    /// Appends one writer's share until the task is cancelled, and makes up for delays.
    func run(_ webhooks: Webhooks, _ writer: Int, of writers: Int) async throws {
        let start = ContinuousClock.now
        let rate = Double(ratePerSecond) / Double(writers)
        var appended = 0
        while !Task.isCancelled {
            let due = Int((ContinuousClock.now - start).seconds * rate)
            let batch = min(due - appended, 256)
            if batch > 0 {
                let events = (appended..<(appended + batch)).map {
                    webhooks.event($0 * writers + writer)
                }
                let (began, before) = (monotonicNanoseconds(), change)
                _ = try await database.store.append(events)
                // An append during which a change began or ended counts for the change.
                let during = before == .none ? change : before
                latencies[during, default: Histogram()].record(
                    nanoseconds: monotonicNanoseconds() - began)
                appended += batch
            }
            if due - appended < 50 { await pause(for: .milliseconds(10)) }
        }
    }
}

/// Ignores the error of a body whose task was cancelled.
private func untilCancelled(_ body: () async throws -> Void) async throws {
    do { try await body() } catch { if !Task.isCancelled { throw error } }
}
