import HTTP
import JSON
import Models

/// A fault that a test or an operator orders for coming calls.
enum Fault: Sendable {
    /// An answer instead of the effect.
    case answer(HTTPResponse)
    /// The call gets no answer until the sandbox is reset or stops.
    case hang(afterEffect: Bool)
    /// The connection is reset.
    case drop(afterEffect: Bool)
    /// Salesforce: another transaction holds the row lock.
    case lock(SalesforceOrg.Lock)
    /// Salesforce: the session of the call ends; PagerDuty: the key is refused once.
    case expiredSession
    /// 429, for PagerDuty with its headers or, bare, without headers and body.
    case rateLimit(isBare: Bool)
    /// Salesforce: the organisation's calls of the day are used up.
    case dailyLimit
}

/// A fault and the calls it applies to.
struct FaultOrder: Sendable {
    let id: Int
    let vendor: Vendor
    let method: String?
    /// `*` stands for any text.
    let path: String?
    let bodyContains: String?
    /// The matching calls that pass before the first fault.
    var skip: Int
    /// The matching calls that are left to fail.
    var times: Int
    let fault: Fault
    /// The order as it came in, for the list of faults.
    let wording: JSON

    func matches(_ call: APICall, of vendor: Vendor) -> Bool {
        self.vendor == vendor && method.map { $0 == call.method } ?? true
            && path.map { Self.glob($0, call.path) } ?? true
            && bodyContains.map { String(decoding: call.body, as: UTF8.self).contains($0) } ?? true
    }

    static func glob(_ pattern: String, _ text: String) -> Bool {
        var pieces = pattern.split(separator: "*", omittingEmptySubsequences: false)[...]
        guard let head = pieces.popFirst(), text.hasPrefix(head) else { return false }
        guard let tail = pieces.popLast() else { return text == head }
        var rest = text.dropFirst(head.count)
        for piece in pieces where !piece.isEmpty {
            guard let found = rest.firstRange(of: piece) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.hasSuffix(tail)
    }
}

struct Faults: Sendable {
    private(set) var orders: [FaultOrder] = []
    private var added = 0

    /// The fault of this call; the earliest order that matches counts it.
    mutating func next(for call: APICall, of vendor: Vendor) -> FaultOrder? {
        guard let position = orders.firstIndex(where: { $0.matches(call, of: vendor) }) else {
            return nil
        }
        if orders[position].skip > 0 {
            orders[position].skip -= 1
            return nil
        }
        orders[position].times -= 1
        let order = orders[position]
        if order.times <= 0 { orders.remove(at: position) }
        return order
    }

    mutating func removeAll() { orders = [] }

    /// `{"vendor", "fault", "method"?, "path"?, "bodyContains"?, "skip"?, "times"?, ..}`; see
    /// `Control.swift`.
    mutating func order(_ body: JSON) throws(ControlError) -> Int {
        guard let vendor = body["vendor"]?.string.flatMap(Vendor.init(rawValue:)) else {
            throw .bad("vendor must be pagerduty or salesforce")
        }
        let fault = try Self.fault(body)
        added += 1
        orders.append(
            FaultOrder(
                id: added, vendor: vendor, method: body.present("method")?.string,
                path: body.present("path")?.string,
                bodyContains: body.present("bodyContains")?.string,
                skip: body.present("skip")?.int ?? 0, times: body.present("times")?.int ?? 1,
                fault: fault, wording: body))
        return added
    }

    private static func fault(_ body: JSON) throws(ControlError) -> Fault {
        switch body["fault"]?.string {
        case "status":
            guard let status = body["status"]?.int, (200...599).contains(status) else {
                throw .bad("status must be a number from 200 to 599")
            }
            return .answer(answer(status, body))
        case "hang": return .hang(afterEffect: false)
        case "hangAfterEffect": return .hang(afterEffect: true)
        case "drop": return .drop(afterEffect: false)
        case "dropAfterEffect": return .drop(afterEffect: true)
        case "lockRow":
            let writes = body.present("records")?.array?.compactMap(\.int) ?? [0]
            let isWrapped = body.present("wrapped")?.bool ?? false
            return .lock(SalesforceOrg.Lock(writes: Set(writes), isWrapped: isWrapped))
        case "expiredSession": return .expiredSession
        case "rateLimit": return .rateLimit(isBare: false)
        case "rateLimitBare": return .rateLimit(isBare: true)
        case "dailyLimit": return .dailyLimit
        default: throw .bad("this fault is not known")
        }
    }

    /// A string is sent as it is, any other value as JSON.
    private static func answer(_ status: Int, _ body: JSON) -> HTTPResponse {
        var headers = HTTPHeaders()
        for member in body.present("headers")?.object?.members ?? [] {
            headers[member.key] = member.value.string
        }
        switch body["body"] {
        case nil: return HTTPResponse(status: status, headers: headers)
        case .string(let text)?:
            if headers["Content-Type"] == nil { headers["Content-Type"] = "text/html" }
            return HTTPResponse(status: status, headers: headers, body: Array(text.utf8))
        case let json?: return .json(status, json, headers: headers)
        }
    }
}
