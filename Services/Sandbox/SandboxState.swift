import HTTP
import Models

/// The whole state of a sandbox: both vendors, their queued messages and the calls they got.
/// It changes only under the lock of `SharedSandboxState`.
struct SandboxState: Sendable {

    var pagerDuty: SandboxPagerDuty
    var salesforce: SalesforceOrg
    var faults = Faults()
    var calls = Calls()
    var outbox: Outbox
    var deliveries: DeliveryLog
    private let options: SandboxOptions

    /// - Parameter delivered: the last message id that was assigned before.
    init(_ options: SandboxOptions, at now: Timestamp, after delivered: Int = 0) {
        self.options = options
        pagerDuty = SandboxPagerDuty(options.pagerDuty, seed: options.seed)
        salesforce = SalesforceOrg(options.salesforce, seed: options.seed, at: now)
        outbox = Outbox(
            retryPauseFirst: options.retryPauseFirst,
            retryPauseMax: options.retryPauseMax, after: delivered)
        deliveries = DeliveryLog(after: delivered)
    }

    /// Restores the initial state.
    mutating func reset(at now: Timestamp) {
        let (pagerDutyURL, salesforceURL) = (pagerDuty.url, salesforce.baseURL)
        self = SandboxState(options, at: now, after: outbox.added)
        pagerDuty.url = pagerDutyURL
        salesforce.baseURL = salesforceURL
    }

    /// A call of a client: the fault that was ordered for it, else what the vendor does.
    mutating func receive(_ call: APICall, of vendor: Vendor) -> CallReply {
        let order = faults.next(for: call, of: vendor)
        let step = perform(call, of: vendor, order?.fault)
        let effects = post(at: call.at)
        var status = 0
        if case .answer(let response) = step { status = response.status }
        calls.add(
            call, of: vendor, status: status, fault: order?.wording["fault"]?.string,
            effects: effects)
        return step
    }

    private mutating func perform(_ call: APICall, of vendor: Vendor, _ fault: Fault?) -> CallReply
    {
        switch fault {
        case nil: break
        case .answer(let response): return .answer(response)
        case .hang(let afterEffect):
            if afterEffect { _ = respond(to: call, of: vendor) }
            return .hang
        case .drop(let afterEffect):
            if afterEffect { _ = respond(to: call, of: vendor) }
            return .answer(.connectionReset)
        case .lock(let lock): salesforce.lock = lock
        case .expiredSession: return .answer(expire(call, of: vendor))
        case .rateLimit(let isBare): return .answer(Self.rateLimit(isBare: isBare))
        case .dailyLimit: return .answer(SalesforceError.dailyLimit.response)
        }
        return .answer(respond(to: call, of: vendor))
    }

    private mutating func respond(to call: APICall, of vendor: Vendor) -> HTTPResponse {
        switch vendor {
        case .pagerDuty: pagerDuty.respond(to: call)
        case .salesforce: salesforce.respond(to: call)
        }
    }

    private mutating func expire(_ call: APICall, of vendor: Vendor) -> HTTPResponse {
        switch vendor {
        case .pagerDuty: return PagerDutyError.unauthorized.response
        case .salesforce:
            let token = call.headers["Authorization"]?.split(separator: " ").last
            token.map { salesforce.sessions[String($0)] = nil }
            return SalesforceError.sessionInvalid.response
        }
    }

    private static func rateLimit(isBare: Bool) -> HTTPResponse {
        if isBare { return HTTPResponse(status: 429) }
        var response = PagerDutyError.rateLimited
        response.headers["ratelimit-limit"] = "960"
        response.headers["ratelimit-remaining"] = "0"
        response.headers["ratelimit-reset"] = "1"
        return response
    }

    /// Moves the vendors' messages into the outbox.
    ///
    /// - Returns: descriptions of what the vendors changed.
    mutating func post(at now: Timestamp) -> [String] {
        for delivery in pagerDuty.outgoing + salesforce.outgoing {
            deliveries.add(outbox.add(delivery, at: now), delivery)
        }
        defer {
            pagerDuty.outgoing = []
            pagerDuty.effects = []
            salesforce.outgoing = []
            salesforce.effects = []
        }
        return pagerDuty.effects + salesforce.effects
    }
}

enum CallReply: Sendable {
    case answer(HTTPResponse)
    /// The call gets no answer until the sandbox is reset or stops.
    case hang
}

extension SandboxState {
    mutating func takeDue(at now: Timestamp) -> [Dispatch] {
        var due: [Dispatch] = []
        while let entry = outbox.take(at: now) {
            due.append(Dispatch(entry: entry, request: request(for: entry.delivery, at: now)))
        }
        return due
    }

    private func request(for delivery: NewDelivery, at now: Timestamp) -> HTTPClientRequest {
        let headers: HTTPHeaders
        let body: [UInt8]
        switch delivery.content {
        case .ready(let ready, let bytes): (headers, body) = (ready, bytes)
        case .apex(let bytes, let target):
            (headers, body) = (salesforce.headers(forApex: target, body: bytes, at: now), bytes)
        case .outboundMessage(let target, let notifications):
            headers = SalesforceOrg.outboundHeaders
            body = salesforce.outboundBody(target: target, notifications: notifications)
        }
        return HTTPClientRequest(
            method: "POST", url: delivery.url, headers: headers, body: body,
            timeout: delivery.deadline)
    }

    mutating func settle(_ entry: OutboxMessage, _ result: DeliveryResult, at now: Timestamp) {
        let verdict = DeliveryVerdict.of(result, for: entry.delivery.subscriber)
        let outcome = outbox.settle(entry, verdict, at: now)
        deliveries.note(entry.id, result, outcome, at: now)
        switch outcome {
        case .delivered: pagerDuty.noteDelivered(to: entry.delivery.subscriber)
        case .repeated: break
        case .dropped:
            if pagerDuty.noteDropped(for: entry.delivery.subscriber, at: now) {
                outbox.removeAll(for: entry.delivery.subscriber)
            }
        }
    }
}
