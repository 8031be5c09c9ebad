import HTTP
import JSON
import Models

/// The stand-in's whole account. It changes only through `respond(to:)` and `act(_:at:)`, and
/// collects deliveries in `outgoing` and descriptions of its changes in `effects`.
struct SandboxPagerDuty: Sendable {
    /// A REST key. An account key belongs to no user, so writes need `From`.
    struct Key: Sendable {
        var isReadOnly = false
        /// The user that a user key acts as.
        var userID: String?
    }

    /// Base of the `self` links: the real one, because clients that rewrite the host compare it.
    let baseURL = "https://api.pagerduty.com"
    let subdomain = "sandbox"
    /// The URL at which the stand-in listens.
    var url = ""
    var directory = Directory()
    var keys: [String: Key]
    var incidents: [String: SandboxIncident] = [:]
    /// Incident ids, oldest first: the position is the number less one.
    var incidentOrder: [String] = []
    /// The open incident of each service and key.
    var openKeys: [String: String] = [:]
    var subscriptions: [SandboxSubscription] = []
    var extensions: [V2Extension] = []
    var ids: IdentifierSource
    var limiter: RateLimiter
    var deliveryDeadline: Duration
    var outgoing: [NewDelivery] = []
    var effects: [String] = []

    init(_ options: SandboxOptions.PagerDutyOptions, seed: Int) {
        keys = [
            options.apiKey: Key(), options.readOnlyKey: Key(isReadOnly: true),
            options.userKey: Key(userID: "PINTEG7"),
        ]
        ids = IdentifierSource(run: seed, source: 1)
        limiter = RateLimiter(
            callsPerMinuteMax: options.callsPerMinuteMax, minute: options.callMinute)
        deliveryDeadline = options.webhookDeadline
    }

    mutating func respond(to call: APICall) -> HTTPResponse {
        let name = Self.token(of: call.headers)
        guard let name, let key = keys[name] else { return PagerDutyError.unauthorized.response }
        let (isAllowed, limits) = limiter.count(name, at: call.at)
        var response = isAllowed ? perform(call, with: key) : PagerDutyError.rateLimited
        for (name, value) in limits.fields { response.headers[name] = value }
        return response
    }

    private mutating func perform(_ call: APICall, with key: Key) -> HTTPResponse {
        do throws(PagerDutyError) {
            if key.isReadOnly && call.method != "GET" { throw .readOnly }
            var request = PagerDutyCall(call: call, key: key)
            if call.method == "POST" || call.method == "PUT", !call.body.isEmpty {
                request.body = try Self.body(of: call)
            }
            return try route(request)
        } catch {
            return error.response
        }
    }

    /// `Token token=..` for keys, `Bearer ..` for OAuth clients.
    private static func token(of headers: HTTPHeaders) -> String? {
        guard let value = headers["Authorization"] else { return nil }
        for prefix in ["Token token=", "Bearer "] where value.hasPrefix(prefix) {
            return String(value.dropFirst(prefix.count))
        }
        return nil
    }

    private static func body(of call: APICall) throws(PagerDutyError) -> JSON {
        guard call.headers["Content-Type"]?.contains("application/json") == true,
            let json = call.json, json.object != nil
        else { throw .invalid("params must be a Hash") }
        return json
    }
}

/// A call with its key.
struct PagerDutyCall: Sendable {
    let call: APICall
    let key: SandboxPagerDuty.Key
    var body: JSON = .object([:])

    var at: Timestamp { call.at }
    var query: URLQuery { call.query }

    /// A segment of the path, counted from 0. The route guarantees that it exists.
    subscript(_ segment: Int) -> String { call.segments[segment] }

    /// The object under `name`, for bodies that are wrapped in one.
    func object(_ name: String) throws(PagerDutyError) -> JSON {
        guard let object = body[name], object.object != nil else {
            throw .invalid("params must be a Hash")
        }
        return object
    }
}

extension SandboxPagerDuty {
    /// The author of a write: the key's user, or else the user that `From` names.
    func author(of call: PagerDutyCall) throws(PagerDutyError) -> SandboxIncident.Agent {
        if let userID = call.key.userID { return .user(userID) }
        guard let from = call.call.headers["From"] else { throw .fromMissing }
        guard from.contains("@") else { throw .malformedFrom }
        guard let user = directory.user(email: from) else { throw .requesterNotFound }
        return .user(user.id)
    }

    func incident(_ id: String) throws(PagerDutyError) -> SandboxIncident {
        if let incident = incidents[id] { return incident }
        if let number = Int(id), incidentOrder.indices.contains(number - 1),
            let incident = incidents[incidentOrder[number - 1]]
        {
            return incident
        }
        throw .notFound
    }
}
