import HTTP
import JSON
import Models

/// A request as the stand-ins read it, with the moment at which it came.
struct APICall: Sendable {
    let method: String
    /// The path as it was sent, percent-encoded.
    let path: String
    /// The path cut at `/`, decoded; an empty last segment (a trailing slash) is dropped.
    let segments: [String]
    let query: URLQuery
    let headers: HTTPHeaders
    let body: [UInt8]
    let at: Timestamp

    init(_ request: HTTPRequest, at: Timestamp) {
        method = request.method
        path = request.path
        segments = Self.segments(of: request.path)
        query = URLQuery(request.query ?? "")
        headers = request.headers
        body = request.body
        self.at = at
    }

    /// A request inside another one: `url` may carry a query.
    init(method: String, url: String, body: JSON?, within outer: APICall) {
        let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.method = method
        path = String(parts[0])
        segments = Self.segments(of: path)
        query = URLQuery(parts.count > 1 ? String(parts[1]) : "")
        headers = outer.headers
        self.body = body?.bytes ?? []
        at = outer.at
    }

    /// The body as JSON, or `nil` if it is not JSON.
    var json: JSON? { try? JSON(parsing: body) }

    private static func segments(of path: String) -> [String] {
        var pieces = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        if pieces.last?.isEmpty == true { pieces = pieces.dropLast() }
        return pieces.map { Percent.decode($0) }
    }
}

/// The pairs of a query string, in order, decoded; `+` is a blank as in forms.
struct URLQuery: Sendable {
    let pairs: [(name: String, value: String)]

    init(_ text: String) {
        pairs = text.split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                Percent.decode(sides[0], plusIsBlank: true),
                sides.count > 1 ? Percent.decode(sides[1], plusIsBlank: true) : ""
            )
        }
    }

    subscript(_ name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// `name[]=a&name[]=b`, and `name=a` for clients that leave the brackets out.
    func list(_ name: String) -> [String] {
        pairs.compactMap { $0.name == "\(name)[]" || $0.name == name ? $0.value : nil }
    }
}

enum Percent {
    /// A broken escape stays as it is: the stand-in then finds nothing under that name.
    static func decode(_ text: some StringProtocol, plusIsBlank: Bool = false) -> String {
        let bytes = Array(text.utf8)
        var decoded: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "%"), position + 2 < bytes.count,
                let value = UInt8(
                    String(decoding: bytes[(position + 1)...(position + 2)], as: UTF8.self),
                    radix: 16)
            {
                decoded.append(value)
                position += 3
            } else {
                decoded.append(plusIsBlank && byte == UInt8(ascii: "+") ? 0x20 : byte)
                position += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}

extension HTTPResponse {
    static func json(_ status: Int, _ value: JSON, headers: HTTPHeaders = [:]) -> HTTPResponse {
        var headers = headers
        headers["Content-Type"] = "application/json;charset=UTF-8"
        return HTTPResponse(status: status, headers: headers, body: value.bytes)
    }
}

extension Timestamp {
    /// `2026-03-02T09:15:04Z`, in whole seconds, as in most of PagerDuty's fields.
    var wholeSeconds: String { "\(iso8601.dropLast(5))Z" }
}

extension JSON {
    init(_ text: String?) { self = text.map(JSON.string) ?? .null }
    init(_ number: Int) { self = .number(JSONNumber(number)) }

    /// Returns the object with these members added or replaced.
    func with(_ members: KeyValuePairs<String, JSON>) -> JSON {
        var object = self.object ?? JSONObject()
        for (key, value) in members { object[key] = value }
        return .object(object)
    }
}
