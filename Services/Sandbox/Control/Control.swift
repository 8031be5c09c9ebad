import HTTP
import JSON
import Models

/// The control API: on both ports, without credentials, JSON in and out. In process it is
/// `Sandbox.control(_:_:_:)`. A mistake is answered 400 with `{"error": ".."}`; what a vendor
/// would refuse, with that vendor's own error.
///
///     GET    /_sandbox                         what there is: URLs, keys, people, waiting messages
///     POST   /_sandbox/reset                   back to the start; calls that hang are let go
///     POST   /_sandbox/settle                  {"timeoutSeconds"?: 30} waits until nothing is to be
///                                              delivered any more: {"settled": true}
///     POST   /_sandbox/clock                   {"advanceSeconds": 3600}
///     GET    /_sandbox/calls                   ?after=N&vendor=pagerduty|salesforce&waitSeconds=S
///     DELETE /_sandbox/calls
///     GET    /_sandbox/deliveries              ?after=N: every message, its attempts, its state
///
///     GET    /_sandbox/faults                  those still waiting for their calls
///     DELETE /_sandbox/faults                  all of them; calls that hang are let go
///     POST   /_sandbox/faults                  {"vendor", "fault", "method"?, "path"? (* = any text),
///                                              "bodyContains"?, "skip"?: 0, "times"?: 1, ..}
///         status                               {"status", "headers"?, "body"? (JSON, or a text)}
///         hang, hangAfterEffect                no answer
///         drop, dropAfterEffect                the connection is reset
///         lockRow                              {"records"?: [0], "wrapped"?: false} which writes of
///                                              the request meet UNABLE_TO_LOCK_ROW
///         expiredSession, dailyLimit           Salesforce's 401 and 403 (PagerDuty: 401)
///         rateLimit, rateLimitBare             429 with its headers, or with nothing
///
///     GET    /_sandbox/pagerduty               incidents, subscriptions, extensions
///     GET    /_sandbox/pagerduty/incidents/ID  with notes and timeline
///     POST   /_sandbox/pagerduty/subscriptions {"url", "secret"?, "events"?, "filter"?, "headers"?}
///     POST   /_sandbox/pagerduty/extensions    {"url", "name"?, "services"?, "headers"?,
///                                              "custom"?: true for a Custom Incident Action}
///     POST   /_sandbox/pagerduty/keys          {"key", "readOnly"?, "user"?}
///     DELETE /_sandbox/pagerduty/keys/KEY
///     PUT    /_sandbox/pagerduty/abilities     {"abilities": [..]}
///     POST   /_sandbox/pagerduty/act           {"do", "incident"?, "as"?, ..}: see `PagerDutyActs`
///
///     GET    /_sandbox/salesforce              every record of every object
///     GET    /_sandbox/salesforce/records/T    those of one object; .../T/ID is one record
///     POST   /_sandbox/salesforce/apex         {"url", "secret" or "token", "objects"?}
///     POST   /_sandbox/salesforce/outbound     {"url", "object", "fields"}
///     DELETE /_sandbox/salesforce/targets      of both kinds
///     POST   /_sandbox/salesforce/apps         {"consumerKey", "publicKey": PEM, "usernames"}
///     POST   /_sandbox/salesforce/sessions     {"as"?: username}: {"access_token"}
///     DELETE /_sandbox/salesforce/sessions     all of them expire
///     PUT    /_sandbox/salesforce/limits       {"callsPerDayMax"?, "callsToday"?}
///     POST   /_sandbox/salesforce/fields       {"object", "name", "type"?, "length"?, "values"?,
///                                              "restricted"?, "required"?}
///     DELETE /_sandbox/salesforce/fields/T/F
///     POST   /_sandbox/salesforce/act          {"do": create|update|delete, "object", "as"?,
///                                              "fields" | "id" | "records": [..]}
enum ControlError: Error {
    case bad(String)
    case missing(String)
    case pagerDuty(PagerDutyError)
    case salesforce(SalesforceError)

    var response: HTTPResponse {
        switch self {
        case .bad(let reason): .json(400, ["error": .string(reason)])
        case .missing(let what): .json(404, ["error": .string("there is no \(what)")])
        case .pagerDuty(let error): error.response
        case .salesforce(let error): error.response
        }
    }
}

extension SandboxState {
    mutating func control(_ call: APICall) -> HTTPResponse {
        defer { _ = post(at: call.at) }
        do throws(ControlError) {
            let body = call.body.isEmpty ? [:] : call.json
            guard let body, body.object != nil else { throw .bad("the body is not a JSON object") }
            if let response = try controlAll(call, body) { return response }
            if let response = try controlPagerDuty(call, body) { return response }
            if let response = try controlSalesforce(call, body) { return response }
            throw .missing("such path and method")
        } catch {
            return error.response
        }
    }

    private mutating func controlAll(
        _ call: APICall, _ body: JSON
    ) throws(ControlError) -> HTTPResponse? {
        switch call {
        case "GET /_sandbox": return .json(200, overview(at: call.at))
        case "POST /_sandbox/reset": reset(at: call.at)
        case "DELETE /_sandbox/calls": calls.removeAll()
        case "GET /_sandbox/deliveries":
            let number = call.query["after"].flatMap(Int.init) ?? 0
            return .json(200, ["deliveries": deliveries.json(after: number)])
        case "GET /_sandbox/faults":
            return .json(200, ["faults": .array(faults.orders.map(\.json))])
        case "POST /_sandbox/faults":
            return .json(201, ["id": JSON(try faults.order(body))])
        case "DELETE /_sandbox/faults": faults.removeAll()
        default: return nil
        }
        return .json(200, [:])
    }

    private func overview(at now: Timestamp) -> JSON {
        let keys = pagerDuty.keys.sorted { $0.key < $1.key }.map { key, kind -> JSON in
            [
                "key": .string(key), "readOnly": .bool(kind.isReadOnly), "user": JSON(kind.userID),
            ]
        }
        let users = salesforce.tables["User"].map { Array($0.all) } ?? []
        return [
            "now": .string(now.iso8601), "waiting": JSON(outbox.count),
            "pagerduty": [
                "url": .string(pagerDuty.url), "keys": .array(keys),
                "users": .array(pagerDuty.directory.users.map { .string($0.email) }),
            ],
            "salesforce": [
                "url": .string(salesforce.baseURL), "organizationId": .string(salesforce.id),
                "consumerKeys": .array(salesforce.apps.keys.sorted().map(JSON.string)),
                "users": .array(users.map { $0["Username"] }),
            ],
        ]
    }
}

extension FaultOrder {
    fileprivate var json: JSON {
        wording.with(["id": JSON(id), "skip": JSON(skip), "times": JSON(times)])
    }
}
