import Models
import Postgres
import Store

/// The rate at which all other lanes are settled beside one lane with a huge backlog.
struct HotLaneBenchmark {
    private static let rounds = 4
    private static let others = 10_000
    private static let lanes = 1_000
    private static let hotEvents = 100_000
    /// The number of the hot lane's first event.
    private static let hotStart = 1_000_000

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        var (alone, beside) = (0.0, 0.0)
        for _ in 0..<Self.rounds {
            alone = max(alone, try await othersPerSecond(withHotLane: false))
            beside = max(beside, try await othersPerSecond(withHotLane: true))
        }
        return [
            Measurement(
                name: "hot-lane", value: beside, unit: "settled/s", yardstick: alone,
                goal: ">= 0.9 x without the hot lane", ok: beside >= 0.9 * alone)
        ]
    }

    /// Returns the rate of the other lanes, from the first settlement of any lane to their last.
    private func othersPerSecond(withHotLane isHot: Bool) async throws -> Double {
        let database = try await environment.database(
            "bench_hot", .webhooksOnly(rulesets: [try BenchRules.unmatched(20)]))
        if isHot {
            let end = Self.hotStart + Self.hotEvents
            try await database.append(Self.hotStart..<end, of: Webhooks(incidents: 1))
        }
        // The hot lane is that of incident 0: the others begin with 1.
        let webhooks = Webhooks(incidents: Self.lanes + 1)
        let numbers = (0..<Self.others + Self.others / Self.lanes).filter {
            $0 % (Self.lanes + 1) != 0
        }
        for start in stride(from: 0, to: Self.others, by: 500) {
            let batch = numbers[start..<min(start + 500, Self.others)]
            _ = try await database.store.append(batch.map(webhooks.event))
        }
        try await database.vacuumAndCheckpoint()
        let worker = try await WorkerProcess.start(in: environment, on: database)
        defer { worker.child.stop() }
        let isOther: SQL = "lane.key <> \(LaneKey.incident(Webhooks.incident(0)).rawValue)"
        try await database.awaitSettled(
            Int64(Self.others), by: worker.child, within: .seconds(10), where: isOther)
        let rate = try await database.settledPerSecond(where: isOther)
        worker.child.stop()
        try await environment.drop(database)
        return rate
    }
}
