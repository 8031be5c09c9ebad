import HTTP
import Models
import Runtime

/// Counts and times the deliveries, and logs each that is refused.
struct Observer: Sendable {
    enum Source: String, NamedMetricLabel {
        case pagerDuty = "pagerduty"
        case salesforce
        static let labelName = "source"
    }

    enum WebhookResult: String, NamedMetricLabel {
        case accepted, duplicate, unauthentic, malformed, unavailable, overloaded, backlogged
        case secretStale = "secret_stale"
        case tooLarge = "too_large"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case unsupportedMediaType = "unsupported_media_type"
        static let labelName = "result"
    }

    private let webhooks: Labelled<LabelPair<Source, WebhookResult>, Counter>
    private let turnedAway: Labelled<WebhookResult, Counter>
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
            "Deliveries by result. overloaded: too many events wait for a commit.",
            by: LabelPair<Source, WebhookResult>.self)
        turnedAway = metrics.counter(
            "requests_turned_away_total",
            "Requests refused by their head. backlogged: too many events of the connection wait.",
            by: WebhookResult.self)
        refused = metrics.counter(
            "requests_refused_total", "Requests that the HTTP server refused by itself.",
            by: HTTPServerRefusal.self)
        acknowledgement = metrics.histogram(
            "acknowledgement_seconds", "Time from the whole request to its answer.",
            buckets: Histogram.requestSeconds, by: Source.self)
        appended = metrics.counter("events_appended_total", "Events appended to the log.")
        duplicates = metrics.counter(
            "events_duplicate_total", "Events that were in the log already.")
        batchSize = metrics.histogram(
            "append_batch_events", "Events of one commit.", buckets: Histogram.batchSizes)
        commitTime = metrics.histogram(
            "append_seconds", "Time of one commit.", buckets: Histogram.requestSeconds)
        failures = metrics.counter(
            "append_failures_total", "Commits that failed. Their deliveries were answered 503.")
        alarms = metrics.counter(
            "subscription_secret_stale_total",
            "Deliveries of a known subscription whose signature matches no secret. Alert on any.")
    }

    /// A wrong path or media type at the vendor ends its feed after three deliveries and is logged
    /// as a warning. Requests of strangers to other paths are not.
    func refusedHead(_ head: HTTPRequestHead, _ rejection: Rejection) {
        turnedAway[WebhookResult(rejection)].add()
        switch rejection {
        case .notFound, .methodNotAllowed, .unsupportedMediaType, .unauthentic, .malformed,
            .tooLarge, .subscriptionSecretStale:
            logRefusal("request refused", path: head.path, reason: "\(rejection)")
        // The vendor sends it again, and thousands may be refused at once.
        case .unavailable, .overloaded, .backlogged:
            log.debug("request refused", ["reason": "\(rejection)"])
        }
    }

    /// A fault of the request ends a vendor's feed too and is logged. The server's own troubles are
    /// not: the vendor sends those requests again.
    func refused(_ request: HTTPRefusedRequest) {
        refused[request.reason].add()
        guard let path = request.path, let fault = request.fault else { return }
        logRefusal("request refused", path: path, reason: fault)
    }

    private func logRefusal(_ message: String, path: String, reason: String) {
        // The path may hold a token, so only its beginning is logged.
        let beginning = path.split(separator: "/").prefix(2).joined(separator: "/")
        let fields: Log.Fields = ["path": "/\(beginning.prefix(100))", "reason": "\(reason)"]
        if path.hasPrefix("/pagerduty/") || path.hasPrefix("/salesforce/") {
            log.warning(message, fields)
        } else {
            log.debug(message, fields)
        }
    }

    func accepted(_ receipt: Receipt, at route: InboundRoute, after duration: Duration) {
        let isNew = receipt.accepted > 0 || receipt.duplicates == 0
        count(route, isNew ? .accepted : .duplicate, duration)
        appended.add(receipt.accepted)
        duplicates.add(receipt.duplicates)
        guard log.level == .debug else { return }
        log.debug(
            "delivery accepted",
            [
                "connection": "\(route.connection)", "accepted": .integer(receipt.accepted),
                "duplicates": .integer(receipt.duplicates),
            ])
    }

    func rejected(_ rejection: Rejection, at route: InboundRoute, after duration: Duration) {
        count(route, WebhookResult(rejection), duration)
        let fields: Log.Fields = [
            "connection": "\(route.connection)", "source": "\(route.channel.source)",
            "reason": "\(rejection)",
        ]
        switch rejection {
        case .subscriptionSecretStale:
            alarms.add()
            log.error(
                "delivery refused: its signature matches no secret of its subscription;"
                    + " set the new secret", fields)
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
        log.error(
            "commit failed: the database is away; deliveries are answered 503",
            ["reason": "\(reason)"])
    }

    func databaseRefused(_ reason: String, events: [NewEvent]) {
        failures.add()
        log.error(
            "commit failed: the database refuses the delivery; answered 503",
            ["reason": "\(reason)", "event": "\(events.first?.event.id.rawValue ?? "")"])
    }

    private func count(_ route: InboundRoute, _ outcome: WebhookResult, _ duration: Duration) {
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

extension Observer.WebhookResult {
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
