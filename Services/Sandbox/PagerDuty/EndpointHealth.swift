import Models

/// The health of a webhook endpoint: too many drops switch it off (PagerDuty.md 25).
struct EndpointHealth: Sendable {
    var droppedInARow = 0
    var disabledUntil: Timestamp?

    func isEnabled(at now: Timestamp) -> Bool { disabledUntil.map { $0 <= now } ?? true }
}

extension SandboxPagerDuty {
    private static let dropsInARowMax = 3
    private static let disabledFor = Duration.seconds(86_400)

    mutating func noteDelivered(to subscriber: Subscriber) {
        change(subscriber) { $0.droppedInARow = 0 }
    }

    /// True while the endpoint is switched off: three drops in a row switch it off for a day.
    mutating func noteDropped(for subscriber: Subscriber, at now: Timestamp) -> Bool {
        var isOff = false
        change(subscriber) { health in
            health.droppedInARow += 1
            guard health.droppedInARow >= Self.dropsInARowMax else { return }
            health = EndpointHealth(
                disabledUntil: now.advanced(by: Self.disabledFor))
            isOff = true
        }
        return isOff
    }

    private mutating func change(
        _ subscriber: Subscriber, _ body: (inout EndpointHealth) -> Void
    ) {
        switch subscriber {
        case .subscription(let id):
            guard let at = subscriptions.firstIndex(where: { $0.id == id }) else { return }
            body(&subscriptions[at].health)
        case .v2Extension(let id):
            guard let at = extensions.firstIndex(where: { $0.id == id }) else { return }
            body(&extensions[at].health)
        case .apex, .outboundMessage: break
        }
    }
}
