import HTTP
import Models
import Runtime

/// What an operator sees of the door: counts, times, and a line for everything that went wrong.
struct Observer: Sendable {
    enum Source: String, NamedMetricLabel {
        case pagerDuty = "pagerduty"
        case salesforce
        static let labelName = "source"
    }

    enum Outcome: String, NamedMetricLabel {
        case accepted, duplicate, unauthentic, malformed, unavailable, overloaded, backlogged
        case secretStale = "secret_stale"
        case tooLarge = "too_large"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case unsupportedMediaType = "unsupported_media_type"
        static let labelName = "result"
    }

    private let webhooks: Labelled<LabelPair<Source, Outcome>, Counter>
    private let turnedAway: Labelled<Outcome, Counter>
    private let refused: Labelled<HTTPServerRefusal, Counter>
    private let acknowledgement: Labelled<Source, Histogram>
    private let appended: Counter
    private let duplicates: Counter
    private let batchSize: Histogram
    private let commitTime: Histogram
    private let failures: Counter
    private let alarms: Counter
    private let log: Log

    init(metrics: Metrics, log: Log) {
        self.log = log
        webhooks = metrics.counter(
            "webhooks_total",
            "Deliveries by the answer they got; overloaded: their commit is too far off.",
            by: LabelPair<Source, Outcome>.self)
        turnedAway = metrics.counter(
            "requests_turned_away_total",
            "Requests whose head was reason enough; backlogged: their connection's events wait.",
            by: Outcome.self)
        refused = metrics.counter(
            "requests_refused_total", "Requests that the server answered by itself.",
            by: HTTPServerRefusal.self)
        acknowledgement = metrics.histogram(
            "acknowledgement_seconds", "From the whole request to its answer.",
            buckets: Histogram.requestSeconds, by: Source.self)
        appended = metrics.counter("events_appended_total", "Events that entered the log.")
        duplicates = metrics.counter(
            "events_duplicate_total", "Events that stood in the log already.")
        batchSize = metrics.histogram(
            "append_batch_events", "Events in one commit.", buckets: Histogram.batchSizes)
        commitTime = metrics.histogram(
            "append_seconds", "One commit.", buckets: Histogram.requestSeconds)
        failures = metrics.counter(
            "append_failures_total", "Commits that failed; the deliveries were answered 503.")
        alarms = metrics.counter(
            "subscription_secret_stale_total",
            "Deliveries of a known subscription whose signature fits no secret: an alarm.")
    }

    /// A wrong path or media type at the vendor ends its feed after three deliveries, so it is
    /// worth a line; what strangers try at other paths is not.
    func turnedAway(_ head: HTTPRequestHead, _ rejection: Rejection) {
        turnedAway[Outcome(rejection)].add()
        switch rejection {
        case .notFound, .methodNotAllowed, .unsupportedMediaType, .unauthentic, .malformed,
            .tooLarge, .subscriptionSecretStale:
            tell("request turned away", path: head.path, reason: "\(rejection)")
        // It is sent again, and comes in storms.
        case .unavailable, .overloaded, .backlogged:
            log.debug("request turned away", ["reason": "\(rejection)"])
        }
    }

    /// A fault of the request ends a vendor's feed just so; of our own trouble it is sent again.
    func refused(_ request: HTTPRefusedRequest) {
        refused[request.reason].add()
        guard let path = request.path, let fault = request.fault else { return }
        tell("request refused", path: path, reason: fault)
    }

    private func tell(_ message: String, path: String, reason: String) {
        // The path may hold a token, so only its beginning is told.
        let beginning = path.split(separator: "/").prefix(2).joined(separator: "/")
        let fields: Log.Fields = ["path": "/\(beginning.prefix(100))", "reason": "\(reason)"]
        if path.hasPrefix("/pagerduty/") || path.hasPrefix("/salesforce/") {
            log.warning(message, fields)
        } else {
            log.debug(message, fields)
        }
    }

    func received(_ receipt: Receipt, at route: InboundRoute, after duration: Duration) {
        let isNew = receipt.accepted > 0 || receipt.duplicates == 0
        count(route, isNew ? .accepted : .duplicate, duration)
        appended.add(receipt.accepted)
        duplicates.add(receipt.duplicates)
        guard log.level == .debug else { return }
        log.debug(
            "received",
            [
                "connection": "\(route.connection)", "accepted": .integer(receipt.accepted),
                "duplicates": .integer(receipt.duplicates),
            ])
    }

    func rejected(_ rejection: Rejection, at route: InboundRoute, after duration: Duration) {
        count(route, Outcome(rejection), duration)
        let fields: Log.Fields = [
            "connection": "\(route.connection)", "source": "\(route.channel.source)",
            "reason": "\(rejection)",
        ]
        switch rejection {
        case .subscriptionSecretStale:
            alarms.add()
            log.error("a subscription's secret was exchanged at the vendor", fields)
        case .unauthentic, .malformed, .tooLarge: log.warning("delivery refused", fields)
        case .unavailable, .overloaded, .backlogged, .notFound, .methodNotAllowed,
            .unsupportedMediaType:
            log.debug("delivery refused", fields)
        }
    }

    func committed(events: Int, after duration: Duration) {
        batchSize.observe(Double(events))
        commitTime.observe(duration)
    }

    func databaseAway(_ reason: String) {
        failures.add()
        log.error("the log cannot be written", ["reason": "\(reason)"])
    }

    func databaseRefused(_ reason: String, events: [NewEvent]) {
        failures.add()
        log.error(
            "the database refuses a delivery",
            ["reason": "\(reason)", "event": "\(events.first?.event.id.rawValue ?? "")"])
    }

    private func count(_ route: InboundRoute, _ outcome: Outcome, _ duration: Duration) {
        let source = Source(route.channel)
        webhooks[source, outcome].add()
        acknowledgement[source].observe(duration)
    }
}

extension HTTPServerRefusal: NamedMetricLabel {
    public static var labelName: String { "reason" }
}

extension Observer.Source {
    fileprivate init(_ channel: Channel) {
        switch channel {
        case .pagerDuty: self = .pagerDuty
        case .apex, .outboundMessage: self = .salesforce
        }
    }
}

extension Observer.Outcome {
    fileprivate init(_ rejection: Rejection) {
        switch rejection {
        case .notFound: self = .notFound
        case .methodNotAllowed: self = .methodNotAllowed
        case .unsupportedMediaType: self = .unsupportedMediaType
        case .unauthentic: self = .unauthentic
        case .subscriptionSecretStale: self = .secretStale
        case .malformed: self = .malformed
        case .tooLarge: self = .tooLarge
        case .unavailable: self = .unavailable
        case .overloaded: self = .overloaded
        case .backlogged: self = .backlogged
        }
    }
}
