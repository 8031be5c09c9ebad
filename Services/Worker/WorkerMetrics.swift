import Models
import Runtime
import Store

/// What a worker counts.
struct WorkerMetrics: Sendable {
    enum Ending: String, NamedMetricLabel {
        static let labelName = "outcome"
        case applied, unmatched, ignored, failed
    }

    let registry = Metrics()
    private let settled: Labelled<Ending, Counter>
    private let lost: Counter
    private let inFlight: Gauge
    private let exchangeSeconds: Histogram
    let calls: CallMeter
    let retries: Counter

    init() {
        settled = registry.counter("events_settled_total", "Events by outcome.", by: Ending.self)
        lost = registry.counter("leases_lost_total", "Settlements that came too late.")
        inFlight = registry.gauge("lanes_in_flight", "Lanes this worker holds.")
        exchangeSeconds = registry.histogram(
            "exchange_seconds", "Settling and leasing, one round trip.",
            buckets: Histogram.requestSeconds)
        calls = CallMeter(registry)
        retries = registry.counter("retries_total", "LaneRunner that ended in another attempt.")
    }

    /// Credentials are told apart by their vendor only: there are as many as users connect.
    func watch(_ runtimes: ConnectionRuntimes) {
        registry.gauge(
            "budget_left", "Calls left in the shared budget; the least of any credential.",
            by: Vendors.Side.self
        ) { runtimes.limiters(of: $0).map(\.left).min() ?? 0 }
        registry.gauge(
            "credentials_paused", "Credentials whose vendor asked for patience.",
            by: Vendors.Side.self
        ) { runtimes.limiters(of: $0).credentials(closedFor: .closed) }
        registry.gauge(
            "breakers_open", "Credentials whose vendor is down.", by: Vendors.Side.self
        ) { runtimes.limiters(of: $0).credentials(closedFor: .down) }
    }

    /// The worker expired: what it wanted to settle is somebody else's.
    func expired(_ settling: [LaneSettlement]) {
        lost.add(settling.count)
        inFlight.add(-settling.count)
    }

    func exchanged(_ settling: [LaneSettlement], _ lease: Lease, took: Duration) {
        exchangeSeconds.observe(took)
        lost.add(lease.lost.count)
        inFlight.add(lease.lanes.count - settling.count)
        let refused = Set(lease.lost)
        for lane in settling where !refused.contains(lane.fence) {
            if case .retry = lane.next { retries.add() }
            for settlement in lane.settlements { settled[settlement.outcome.ending].add() }
        }
    }
}

extension Outcome {
    fileprivate var ending: WorkerMetrics.Ending {
        switch self {
        case .applied: .applied
        case .unmatched: .unmatched
        case .ignored: .ignored
        case .failed: .failed
        }
    }
}

extension [VendorLimiter] {
    /// Connections with one credential are told once.
    fileprivate func credentials(closedFor reason: CallScheduler.Refusal.Reason) -> Int {
        Set(filter { $0.closed?.reason == reason }.map(\.scope)).count
    }
}
