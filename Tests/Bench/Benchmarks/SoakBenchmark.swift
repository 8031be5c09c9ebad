import Glibc
import Models
import Postgres
import Store

/// 5,000 events a second appended and settled, for as long as somebody wants: what is small stays
/// small, what is quick stays quick, and days of the log come and go without anybody waiting.
struct SoakBenchmark {
    private static let ratePerSecond = 5_000
    private static let lanes = 20_000
    private static let sampleSeconds = 1.0
    private static let maintenanceSeconds = 5.0
    private static let appendMillisecondsMax = 250.0

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let database = try await environment.database(
            "bench_soak", .webhooksOnly(rulesets: [try BenchRules.unmatched(20)]))
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        let appends = TimedAppender(database: database, ratePerSecond: Self.ratePerSecond)
        let samples = try await withThrowingTaskGroup(of: Void.self) { group in
            // As many writers as an ingest has.
            for writer in 0..<2 {
                group.addTask {
                    try await untilCancelled {
                        try await appends.run(Webhooks(incidents: Self.lanes), writer, of: 2)
                    }
                }
            }
            group.addTask {
                try await untilCancelled { try await turnDays(of: database, beside: appends) }
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

    /// A day that is over comes and goes, again and again: made as the next day is made, dropped as
    /// an old one is.
    private func turnDays(of database: BenchDatabase, beside appends: TimedAppender) async throws {
        var age: Int32 = 100
        while !Task.isCancelled {
            await pause(seconds: Self.maintenanceSeconds)
            await appends.begin(.creating)
            for parent in ["job", "settlement", "effect"] {
                try await database.pool.query(
                    "SELECT create_partition(\(parent), segment_now() - \(age), '')")
            }
            await appends.begin(.dropping)
            let done = try await database.store.maintain(Retention(logDays: 30))
            await appends.begin(.ordinary)
            await appends.dropped(done.segmentsDropped.count, busy: done.segmentsBusy.count)
            age += 1
        }
    }

    private struct Sample {
        var bytes: Double
        var indexBytes: Double
        var deadRows: Int
        var settled: Int64
        /// Of settling and leasing, so far.
        var exchangeSeconds: Double

        var megabytes: Double { (bytes + indexBytes) / 1_048_576 }

        /// Microseconds of exchange for each event settled since `earlier`.
        func cost(since earlier: Sample) -> Double {
            let events = Double(max(1, settled - earlier.settled))
            return (exchangeSeconds - earlier.exchangeSeconds) / events * 1e6
        }
    }

    private func watch(_ database: BenchDatabase, _ worker: WorkerProcess) async throws -> [Sample]
    {
        let end = monotonicNanoseconds() + nanoseconds(environment.minutes * 60)
        var samples: [Sample] = []
        while monotonicNanoseconds() < end {
            await pause(seconds: Self.sampleSeconds)
            try worker.child.checkRunning()
            let seconds = try await worker.exchanges(askedWith: environment.http).seconds
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
                        exchangeSeconds: seconds))
            }
        }
        return samples
    }

    private func measurements(
        _ samples: [Sample], _ appends: TimedAppender, vacuums: Int
    ) async throws -> [Measurement] {
        guard samples.count >= 8, let first = samples.first, let last = samples.last else {
            throw BenchFailure("too short for a soak")
        }
        let quarter = samples.count / 4
        let (early, late) = (samples[quarter], samples[samples.count - 1 - quarter])
        let seconds = Double(samples.count - 1) * Self.sampleSeconds
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
        let ordinary = await appends.latency(.ordinary)
        let creating = await appends.latency(.creating)
        let dropping = await appends.latency(.dropping)
        let (days, busy) = await appends.days
        let worst = Double(max(creating.largest, dropping.largest)) / 1e6
        // The disk has its moments at any time.
        let slowest = Double(ordinary.largest) / 1e6
        func words(_ latency: Histogram) -> String {
            "\(latency.count) appends, p99 \(short(latency.milliseconds(quantile: 0.99))) ms, "
                + "slowest \(short(Double(latency.largest) / 1e6)) ms"
        }
        printProgress(
            "\(days) days dropped, \(busy) found busy; while nothing else happens "
                + "\(words(ordinary)); while a day is made \(words(creating)); while one is dropped "
                + words(dropping))
        return Measurement(
            name: "soak-partitions", value: worst,
            unit: "ms slowest append while days come and go",
            yardstick: slowest,
            goal: "<= \(Int(Self.appendMillisecondsMax)) ms or what it takes without, and days are "
                + "dropped",
            ok: worst <= max(Self.appendMillisecondsMax, slowest) && days > 0)
    }
}

/// Appends at a steady rate and keeps the time of each commit, by what happened beside it.
private actor TimedAppender {
    enum Beside: CaseIterable {
        case ordinary, creating, dropping
    }

    private let database: BenchDatabase
    private let ratePerSecond: Int
    private var beside = Beside.ordinary
    private var latencies: [Beside: Histogram] = [:]
    private(set) var days = (dropped: 0, busy: 0)

    init(database: BenchDatabase, ratePerSecond: Int) {
        self.database = database
        self.ratePerSecond = ratePerSecond
    }

    func begin(_ beside: Beside) { self.beside = beside }
    func dropped(_ count: Int, busy: Int) {
        days.dropped += count
        days.busy += busy
    }
    func latency(_ beside: Beside) -> Histogram { latencies[beside] ?? Histogram() }

    /// A writer's share, until it is cancelled; what it falls behind it catches up.
    func run(_ webhooks: Webhooks, _ writer: Int, of writers: Int) async throws {
        let start = monotonicNanoseconds()
        let rate = Double(ratePerSecond) / Double(writers)
        var appended = 0
        while !Task.isCancelled {
            let due = Int(Double(monotonicNanoseconds() - start) / 1e9 * rate)
            let batch = min(due - appended, 256)
            if batch > 0 {
                let events = (appended..<(appended + batch)).map {
                    webhooks.event($0 * writers + writer)
                }
                let (began, before) = (monotonicNanoseconds(), beside)
                _ = try await database.store.append(events)
                // Under way when something began or ended: it counts for that.
                let during = before == .ordinary ? beside : before
                latencies[during, default: Histogram()].record(
                    nanoseconds: monotonicNanoseconds() - began)
                appended += batch
            }
            if due - appended < 50 { await pause(seconds: 0.01) }
        }
    }
}

/// What breaks off because it was cancelled did not fail.
private func untilCancelled(_ body: () async throws -> Void) async throws {
    do { try await body() } catch { if !Task.isCancelled { throw error } }
}
