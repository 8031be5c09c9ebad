import Glibc

/// From the 202 to the call that the event causes. The sandbox is asked over and over for the calls
/// that it received; a call counts as received when that answer is read, so every time here is a
/// little too long, never too short.
struct EndToEndBenchmark {
    private static let incidents = 500
    private static let idlePerSecond = 20.0
    private static let busyPerSecond = 500.0
    private static let seconds = 10.0

    let environment: BenchEnvironment

    func run() async throws -> [Measurement] {
        let world = try await LinkedCases(
            Self.incidents,
            settingFields: [LinkedCases.numberField: "{{incident.number}}"],
            name: "bench_end_to_end", in: environment)
        defer { world.sandbox.child.stop() }
        let worker = try await WorkerProcess.start(in: environment, on: world.database)
        defer { worker.child.stop() }
        let ingest = try await IngestProcess.start(in: environment, on: world.database)
        defer { ingest.child.stop() }
        // The first call logs in; what a process does only once is not what is measured.
        _ = try await latency(world, ingest, ratePerSecond: 50, seconds: 2, firstNumber: 0)
        let idle = try await latency(
            world, ingest, ratePerSecond: Self.idlePerSecond, seconds: Self.seconds,
            firstNumber: 1_000_000)
        let busy = try await latency(
            world, ingest, ratePerSecond: Self.busyPerSecond, seconds: Self.seconds,
            firstNumber: 2_000_000)
        worker.child.stop()
        ingest.child.stop()
        try await environment.drop(world.database)
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
        _ world: LinkedCases, _ ingest: IngestProcess, ratePerSecond: Double, seconds: Double,
        firstNumber: Int
    ) async throws -> Histogram {
        let observer = CallObserver(world.sandbox.control, vendor: "salesforce")
        async let arrivals = ReceivedNumbers.collect(
            by: observer, from: firstNumber, forSeconds: seconds, thenQuietSeconds: 3)
        let answered = try await Self.answered(
            at: ingest.port, ratePerSecond: ratePerSecond, seconds: seconds,
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

    /// An event that waited so long that a later one of its incident superseded it was received
    /// with that one. One that was never received has waited until now.
    private static func received(_ number: Int, among receivedAt: [Int: UInt64]) -> UInt64? {
        (0..<20).lazy.compactMap { receivedAt[number + $0 * incidents] }.first
    }

    /// When each webhook was answered 202. Off the caller's task: it blocks its thread.
    private static func answered(
        at port: Int, ratePerSecond: Double, seconds: Double, firstNumber: Int
    ) async throws -> [Int: UInt64] {
        let generator = try LoadGenerator(
            port: port, connections: 32, requests: Webhooks(incidents: incidents),
            firstNumber: firstNumber)
        var answered: [Int: UInt64] = [:]
        let result = generator.run(.open(ratePerSecond: ratePerSecond), seconds: seconds) {
            answered[$0] = $1
        }
        try result.checkAccepted()
        return answered
    }
}

/// Finds the events' numbers in the calls.
private enum ReceivedNumbers {
    /// The first call for each event from a number on, by the monotonic clock.
    static func collect(
        by observer: CallObserver, from first: Int, forSeconds seconds: Double,
        thenQuietSeconds quiet: Double
    ) async throws -> [Int: UInt64] {
        var observer = observer
        var receivedAt: [Int: UInt64] = [:]
        var end = monotonicNanoseconds() + nanoseconds(seconds)
        while monotonicNanoseconds() < end {
            let calls = try await observer.next(waitingSeconds: 0.5)
            let now = monotonicNanoseconds()
            for call in calls {
                for number in numbers(in: call.text) where number >= first {
                    if receivedAt[number] == nil { receivedAt[number] = now }
                }
            }
            if !calls.isEmpty { end = max(end, now + nanoseconds(quiet)) }
        }
        return receivedAt
    }

    /// Runs of nine digits that begin with 1: incident numbers as `Webhooks` writes them.
    private static func numbers(in text: String) -> [Int] {
        text.utf8.split { !(0x30...0x39).contains($0) }
            .filter { $0.count == 9 && $0.first == UInt8(ascii: "1") }
            .compactMap { Int(Substring($0)).map { $0 - Webhooks.incidentNumberOffset } }
    }
}
