import HTTP
import JSON
import Models

/// One request to a vendor, before the server's name and the credential are added.
struct Call: Sendable {
    var method: String
    /// Percent-encoded, begins with `/`.
    var path: String
    /// Plain; encoded when sent.
    var query: [(name: String, value: String)] = []
    var headers: HTTPHeaders = [:]
    var body: JSON?

    var isWrite: Bool { method != "GET" }

    static func get(_ path: String, query: [(name: String, value: String)] = []) -> Call {
        Call(method: "GET", path: path, query: query)
    }

    var target: String {
        guard !query.isEmpty else { return path }
        let items = query.map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }
        return path + "?" + items.joined(separator: "&")
    }
}

/// The effect behind every call; `HTTPClient.send` everywhere but in tests.
typealias Send = @Sendable (HTTPClientRequest) async throws(HTTPClientError) -> HTTPResponse

extension HTTPClient {
    var asSend: Send {
        { (request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPResponse in
            try await self.send(request)
        }
    }
}

extension HTTPResponse {
    var isSuccess: Bool { (200...299).contains(status) }

    /// The body as JSON, `null` when there is none; nil when it is something else.
    var json: JSON? {
        if body.isEmpty { return .null }
        var limits = JSONLimits()
        limits.stringBytesMax = 1 << 20
        return try? JSON(parsing: body, limits: limits)
    }

    /// `Retry-After` in seconds. The date form is ignored: it needs a clock that we share.
    var retryAfterSeconds: Double? {
        headers["Retry-After"].flatMap { Int($0) }.map { Double(max(0, $0)) }
    }

    /// What a success holds.
    ///
    /// - Parameter refusal: what an answer means that is no success.
    func value<Value>(
        of origin: Cause.Origin, refusal: (HTTPResponse) -> Failure, reading read: (JSON) -> Value?
    ) throws(Failure) -> Value {
        guard isSuccess else { throw refusal(self) }
        guard let json, let value = read(json) else { throw .unreadable(origin, self) }
        return value
    }

    /// The beginning of a body that is not what was expected, on one line, for a person.
    var excerpt: String {
        let text = String(decoding: body.prefix(1024), as: UTF8.self)
        let line = text.split { $0.isWhitespace || $0.isNewline }.joined(separator: " ")
        let printable = line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
        return String(String(String.UnicodeScalarView(printable)).prefix(200))
    }
}

extension String {
    /// Percent-encoded as one segment of a path; an empty one or dots would name another resource.
    func asPathSegment() throws(Failure) -> String {
        guard !isEmpty, self != ".", self != ".." else {
            throw .refused("path", "\"\(self)\" cannot stand in the path of a request")
        }
        return percentEncoded
    }

    /// A vendor's words as they may be stored: bounded, and without NUL, which no SQL text holds.
    var asWords: String {
        String(String.UnicodeScalarView(unicodeScalars.filter { $0.value != 0 }))
            .cut(toUnits: 2000)
    }
}

extension Failure {
    /// The vendor asked for patience: at least a second, and never so long that a wrong header
    /// keeps the account closed.
    static func throttled(_ cause: Cause, afterSeconds seconds: Double) -> Failure {
        .throttled(cause, retryAfterSeconds: min(max(1, seconds), 3600))
    }

    /// - Parameter server: named in the message.
    init(_ error: HTTPClientError, server: ServerOrigin) {
        switch error {
        case .notSent(let reason):
            self = .retryable(
                Cause(.liaison, code: "notSent", message: "\(server): \(reason)"))
        case .unknownOutcome(let reason):
            self = .retryable(
                Cause(.liaison, code: "noAnswer", message: "\(server): \(reason)"))
        case .notBegun, .cancelled:
            self = .interrupted
        }
    }

    /// A success whose body is not what the vendor documents: a proxy's page, a cut answer.
    static func unreadable(_ origin: Cause.Origin, _ response: HTTPResponse) -> Failure {
        .retryable(
            Cause(
                origin, code: "unreadableAnswer", message: response.excerpt, status: response.status
            ))
    }

    /// Refused by ourselves, because the vendor would refuse or misunderstand it.
    static func refused(_ code: String, _ message: String) -> Failure {
        .permanent(Cause(.liaison, code: code, message: message))
    }
}
