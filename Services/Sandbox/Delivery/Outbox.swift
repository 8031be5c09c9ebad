import Models

/// The messages that wait to be delivered. Those of one lane go one after the other: while the
/// first is being repeated, the others wait behind it (PagerDuty.md 26).
struct Outbox: Sendable {

    private struct Lane: Sendable {
        var entries: [OutboxMessage] = []
        var isInFlight = false
    }

    /// The most messages that are sent at the same time.
    static let inFlightMax = 64
    /// A message older than this is dropped.
    private static let window = Duration.seconds(48 * 3_600)

    let retryPauseFirst: Duration
    let retryPauseMax: Duration
    private var lanes: [String: Lane] = [:]
    /// Lanes whose first message may be sent now, in order.
    private var ready: [String] = []
    private var resting: [(dueAt: Timestamp, lane: String)] = []
    /// The last id that was assigned.
    private(set) var added: Int
    private var inFlight = 0

    init(retryPauseFirst: Duration, retryPauseMax: Duration, after added: Int) {
        self.added = added
        self.retryPauseFirst = retryPauseFirst
        self.retryPauseMax = retryPauseMax
    }

    var isEmpty: Bool { lanes.isEmpty }
    var count: Int { lanes.values.reduce(0) { $0 + $1.entries.count } }
    /// The end of the earliest pause.
    var nextDue: Timestamp? { resting.map(\.dueAt).min() }

    mutating func add(_ delivery: NewDelivery, at now: Timestamp) -> Int {
        added += 1
        var lane = lanes[delivery.lane] ?? Lane()
        lane.entries.append(OutboxMessage(id: added, delivery: delivery, createdAt: now))
        lanes[delivery.lane] = lane
        if lane.entries.count == 1 { ready.append(delivery.lane) }
        return added
    }

    /// The next message to send; its lane is closed until `settle`.
    mutating func take(at now: Timestamp) -> OutboxMessage? {
        guard inFlight < Self.inFlightMax else { return nil }
        let due = resting.filter { $0.dueAt <= now }
        if !due.isEmpty {
            resting.removeAll { $0.dueAt <= now }
            ready += due.map(\.lane)
        }
        while let name = ready.first {
            ready.removeFirst()
            guard let first = lanes[name]?.entries.first else { continue }
            lanes[name]?.isInFlight = true
            inFlight += 1
            return first
        }
        return nil
    }

    mutating func settle(
        _ entry: OutboxMessage, _ verdict: DeliveryVerdict, at now: Timestamp
    ) -> DeliveryOutcome {
        let name = entry.delivery.lane
        // A message from before a reset has no lane any more.
        guard var lane = lanes[name], lane.entries.first?.id == entry.id else { return .dropped }
        inFlight -= 1
        lane.isInFlight = false
        lane.entries[0].attempts += 1
        let isLate = entry.createdAt.advanced(by: Self.window) <= now
        if verdict == .retry && !isLate {
            let pause = pause(after: lane.entries[0].attempts)
            resting.append((now.advanced(by: pause), name))
            lanes[name] = lane
            return .repeated
        }
        lane.entries.removeFirst()
        lanes[name] = lane.entries.isEmpty ? nil : lane
        if !lane.entries.isEmpty { ready.append(name) }
        return verdict == .delivered ? .delivered : .dropped
    }

    private func pause(after attempts: Int) -> Duration {
        var pause = retryPauseFirst
        for _ in 1..<max(1, attempts) where pause < retryPauseMax { pause *= 2 }
        return min(pause, retryPauseMax)
    }

    /// Removes the waiting messages of a subscriber, except those being sent.
    mutating func removeAll(for subscriber: Subscriber) {
        for (name, lane) in lanes where lane.entries[0].delivery.subscriber == subscriber {
            if lane.isInFlight {
                lanes[name]?.entries.removeLast(lane.entries.count - 1)
            } else {
                lanes[name] = nil
                ready.removeAll { $0 == name }
                resting.removeAll { $0.lane == name }
            }
        }
    }
}

enum DeliveryOutcome: Equatable, Sendable { case delivered, repeated, dropped }

struct OutboxMessage: Sendable {
    let id: Int
    let delivery: NewDelivery
    let createdAt: Timestamp
    /// The attempts that have ended.
    var attempts = 0
}
