import Glibc

/// The time from the 202 to the call that the event causes. The benchmark polls the sandbox for the
/// calls that it received, and a call counts as received when that answer is read. Every time is
/// therefore slightly too long, never too short.
struct EndToEndBenchmark {
    private static let incidents = 500
    private static let idlePerSecond = 20.0
    private static let busyPerSecond = 500.0
    private static let duration = Duration.seconds(10)

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let linked = try await LinkedCases(
            Self.incidents,
            settingFields: [LinkedCases.numberField: "{{incident.number}}"],
            name: "bench_end_to_end", in: environment)
        defer { linked.sandbox.child.stop() }
        let worker = try await WorkerProcess.start(in: environment, on: linked.database)
        defer { worker.child.stop() }
        let ingest = try await IngestProcess.start(in: environment, on: linked.database)
        defer { ingest.child.stop() }
        // The first call logs in. What a process does only once is not measured.
        _ = try await latency(linked, ingest, ratePerSecond: 50, for: .seconds(2), firstNumber: 0)
        let idle = try await latency(
            linked, ingest, ratePerSecond: Self.idlePerSecond, for: Self.duration,
            firstNumber: 1_000_000)
        let busy = try await latency(
            linked, ingest, ratePerSecond: Self.busyPerSecond, for: Self.duration,
            firstNumber: 2_000_000)
        worker.child.stop()
        ingest.child.stop()
        try await environment.drop(linked.database)
        return Self.measurements(idle, busy)
    }

    private static func measurements(_ idle: Histogram, _ busy: Histogram) -> [Measurement] {
        func line(
            _ name: String, _ latency: Histogram, _ quantile: Double, _ unit: String, _ max: Double
        ) -> Measurement {
            let value = latency.milliseconds(quantile: quantile)
            return Measurement(
                name: name, value: value, unit: unit, goal: "<= \(Int(max)) ms", ok: value <= max)
        }
        return [
            line("end-to-end", idle, 0.5, "ms p50 idle", 5),
            line("end-to-end-p99", idle, 0.99, "ms p99 idle", 25),
            line("end-to-end-busy", busy, 0.99, "ms p99 at 500/s", 100),
        ]
    }

    private func latency(
        _ linked: LinkedCases, _ ingest: IngestProcess, ratePerSecond: Double,
        for duration: Duration,
        firstNumber: Int
    ) async throws -> Histogram {
        let observer = CallObserver(linked.sandbox.control, vendor: "salesforce")
        async let arrivals = ReceivedNumbers.collect(
            by: observer, from: firstNumber, for: duration, thenQuietFor: .seconds(3))
        let answered = try await Self.answered(
            at: ingest.port, ratePerSecond: ratePerSecond, for: duration,
            firstNumber: firstNumber)
        let receivedAt = try await arrivals
        let end = monotonicNanoseconds()
        var latency = Histogram()
        for (number, at) in answered {
            let received = Self.received(number, among: receivedAt) ?? end
            latency.record(nanoseconds: received > at ? received - at : 0)
        }
        return latency
    }

    /// Returns when the event's call was received. If a later event of the same incident superseded
    /// it while it waited, the call of the later event counts. Returns nil if there was no call.
    private static func received(_ number: Int, among receivedAt: [Int: UInt64]) -> UInt64? {
        (0..<20).lazy.compactMap { receivedAt[number + $0 * incidents] }.first
    }

    /// Returns when each webhook was answered 202. It blocks the thread, so it runs in its own
    /// task.
    private static func answered(
        at port: Int, ratePerSecond: Double, for duration: Duration, firstNumber: Int
    ) async throws -> [Int: UInt64] {
        let generator = try LoadGenerator(
            port: port, connections: 32, requests: Webhooks(incidents: incidents),
            firstNumber: firstNumber)
        var answered: [Int: UInt64] = [:]
        let result = generator.run(.open(ratePerSecond: ratePerSecond), for: duration) {
            answered[$0] = $1
        }
        try result.checkAccepted()
        return answered
    }
}

/// Reads the numbers of events from the calls of the sandbox.
private enum ReceivedNumbers {
    /// Returns when the first call of each event came, for the events from number `first` on.
    static func collect(
        by observer: CallObserver, from first: Int, for duration: Duration,
        thenQuietFor quiet: Duration
    ) async throws -> [Int: UInt64] {
        var observer = observer
        var receivedAt: [Int: UInt64] = [:]
        var end = monotonicNanoseconds() + duration.nanoseconds
        while monotonicNanoseconds() < end {
            let calls = try await observer.next(waitingAtMost: .milliseconds(500))
            let now = monotonicNanoseconds()
            for call in calls {
                for number in numbers(in: call.text) where number >= first {
                    if receivedAt[number] == nil { receivedAt[number] = now }
                }
            }
            if !calls.isEmpty { end = max(end, now + quiet.nanoseconds) }
        }
        return receivedAt
    }

    /// Finds runs of nine digits that begin with 1: incident numbers as `Webhooks` writes them.
    private static func numbers(in text: String) -> [Int] {
        text.utf8.split { !(0x30...0x39).contains($0) }
            .filter { $0.count == 9 && $0.first == UInt8(ascii: "1") }
            .compactMap { Int(Substring($0)).map { $0 - Webhooks.incidentNumberOffset } }
    }
}
