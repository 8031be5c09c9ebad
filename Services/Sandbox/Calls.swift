import JSON
import Models

/// A call that a stand-in received.
public struct RecordedCall: Sendable {
    /// The call's number, counted from 1 over both vendors.
    public let number: Int
    public let vendor: Vendor
    public let method: String
    /// The path without the query.
    public let path: String
    /// The pairs of the query, decoded, in order.
    public let query: [(name: String, value: String)]
    /// The headers named in `Calls.headersOfInterest`, under lower-case names.
    public let headers: [String: String]
    /// The body, cut at `bodyBytesMax`.
    public let body: String
    /// The status of the answer, or 0 if there was none.
    public let status: Int
    /// The name of the fault that the call ran into.
    public let fault: String?
    /// The changes it made: `created Case 500..`, `incident.acknowledged Q2..`.
    public let effects: [String]

    public static let bodyBytesMax = 64 << 10

    public var json: JSON {
        [
            "number": JSON(number), "vendor": .string(vendor.rawValue),
            "method": .string(method), "path": .string(path),
            "query": .array(query.map { [.string($0.name), .string($0.value)] }),
            "headers": .object(
                JSONObject(headers.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
            "body": (try? JSON(parsing: body)) ?? .string(body),
            "status": JSON(status), "fault": JSON(fault),
            "effects": .array(effects.map(JSON.string)),
        ]
    }
}

/// The calls that were received, oldest first.
struct Calls: Sendable {
    /// The headers that are recorded; none of them carries a credential.
    static let headersOfInterest = [
        "from", "content-type", "accept", "user-agent", "sforce-auto-assign",
        "sforce-call-options", "sforce-duplicate-rule-header", "sforce-query-options",
    ]
    /// The most calls that are kept; the oldest are dropped.
    private static let callsMax = 20_000

    private(set) var all: [RecordedCall] = []
    private(set) var count = 0

    mutating func add(
        _ call: APICall, of vendor: Vendor, status: Int, fault: String?, effects: [String]
    ) {
        count += 1
        var headers: [String: String] = [:]
        for name in Self.headersOfInterest { headers[name] = call.headers[name] }
        all.append(
            RecordedCall(
                number: count, vendor: vendor, method: call.method, path: call.path,
                query: call.query.pairs, headers: headers,
                body: Self.text(call), status: status, fault: fault, effects: effects))
        if all.count > Self.callsMax * 2 { all.removeFirst(all.count - Self.callsMax) }
    }

    /// A login's body holds a signed assertion, which is a credential.
    private static func text(_ call: APICall) -> String {
        if call.path.hasPrefix("/services/oauth2/") { return "(withheld)" }
        return String(decoding: call.body.prefix(RecordedCall.bodyBytesMax), as: UTF8.self)
    }

    func after(_ number: Int, of vendor: Vendor?) -> [RecordedCall] {
        let start = all.firstIndex { $0.number > number } ?? all.endIndex
        return all[start...].filter { vendor == nil || $0.vendor == vendor }
    }

    mutating func removeAll() { all = [] }
}
