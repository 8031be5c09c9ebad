import Models
import Runtime
import Store

/// The numbers that a worker reports at `/metrics`.
struct WorkerMetrics: Sendable {
    enum OutcomeLabel: String, NamedMetricLabel {
        static let labelName = "outcome"
        case applied, unmatched, ignored, failed
    }

    let registry = Metrics()
    private let settled: Labelled<OutcomeLabel, Counter>
    private let lost: Counter
    private let inFlight: Gauge
    private let exchangeSeconds: Histogram
    let calls: CallMeter
    let retries: Counter

    init() {
        settled = registry.counter(
            "events_settled_total", "Settled events by outcome.", by: OutcomeLabel.self)
        lost = registry.counter(
            "leases_lost_total",
            "Lanes whose lease ended before their settlement; another worker repeats them.")
        inFlight = registry.gauge("lanes_in_flight", "Lanes that this worker holds.")
        exchangeSeconds = registry.histogram(
            "exchange_seconds",
            "Time of one round trip to the database that settles and leases lanes.",
            buckets: Histogram.requestSeconds)
        calls = CallMeter(registry)
        retries = registry.counter(
            "retries_total", "Runs of a lane that ended with a job to be tried again.")
    }

    /// The labels name the vendor only: there are as many credentials as users connect.
    func watch(_ runtimes: ConnectionRuntimes) {
        registry.gauge(
            "budget_left",
            "Calls left in the shared budget of the credential with the fewest left.",
            by: Vendor.self
        ) { runtimes.limiters(of: $0).map(\.left).min() ?? 0 }
        registry.gauge(
            "credentials_paused", "Credentials whose vendor asked for a pause.",
            by: Vendor.self
        ) { runtimes.limiters(of: $0).credentials(closedFor: .closed) }
        registry.gauge(
            "breakers_open", "Credentials whose vendor is down.", by: Vendor.self
        ) { runtimes.limiters(of: $0).credentials(closedFor: .down) }
    }

    /// The worker's lease expired: other workers settle these lanes.
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
            for settlement in lane.settlements { settled[settlement.outcome.label].add() }
        }
    }
}

extension Outcome {
    fileprivate var label: WorkerMetrics.OutcomeLabel {
        switch self {
        case .applied: .applied
        case .unmatched: .unmatched
        case .ignored: .ignored
        case .failed: .failed
        }
    }
}

extension [VendorLimiter] {
    /// The number of closed credentials; a credential of several connections counts once.
    fileprivate func credentials(closedFor reason: RefusalReason) -> Int {
        Set(filter { $0.closed?.reason == reason }.map(\.scope)).count
    }
}
