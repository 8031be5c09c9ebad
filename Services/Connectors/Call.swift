import HTTP
import JSON
import Models

/// One request to a vendor, before the server's name and the credential are added.
struct Call: Sendable {
    var method: String
    /// Percent-encoded, begins with `/`.
    var path: String
    /// Plain text; it is encoded when it is sent.
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

/// The function that sends a request: `HTTPClient.send`, except in tests.
typealias Send = @Sendable (HTTPClientRequest) async throws(HTTPClientError) -> HTTPResponse

extension HTTPClient {
    var asSend: Send {
        { (request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPResponse in
            try await self.send(request)
        }
    }
}

extension HTTPClientRequest {
    /// Sends the request. A failure to send it names the server.
    func answer(by send: Send, at server: ServerOrigin) async throws(Failure) -> HTTPResponse {
        do {
            return try await send(self)
        } catch {
            throw Failure(error, server: server)
        }
    }
}

extension HTTPResponse {
    var isSuccess: Bool { (200...299).contains(status) }

    /// The body as JSON, `null` if it is empty; nil if it is something else.
    var json: JSON? {
        if body.isEmpty { return .null }
        var limits = JSONLimits()
        limits.stringBytesMax = 1 << 20
        return try? JSON(parsing: body, limits: limits)
    }

    /// `Retry-After` in seconds. Its date form is ignored: it needs a clock that we share.
    var retryAfter: Duration? {
        headers["Retry-After"].flatMap { Int64($0) }.map { .seconds(max(0, $0)) }
    }

    /// The value that a success holds.
    ///
    /// - Parameter refusal: returns the meaning of an answer that is no success.
    func value<Value>(
        of vendor: Vendor, refusal: (HTTPResponse) -> Failure, reading read: (JSON) -> Value?
    ) throws(Failure) -> Value {
        guard isSuccess else { throw refusal(self) }
        guard let json, let value = read(json) else { throw .unreadable(vendor, self) }
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
    /// The vendor limits its calls: the pause is at least a second, and never so long that a wrong
    /// header keeps the account closed.
    static func throttled(_ cause: Cause, boundedRetryAfter retryAfter: Duration) -> Failure {
        .throttled(cause, retryAfter: min(max(.seconds(1), retryAfter), .seconds(3600)))
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
    static func unreadable(_ vendor: Vendor, _ response: HTTPResponse) -> Failure {
        .retryable(
            Cause(
                .init(vendor), code: "unreadableAnswer", message: response.excerpt,
                status: response.status))
    }

    /// A call that we do not make, because the vendor would refuse or misunderstand it.
    static func refused(_ code: String, _ message: String) -> Failure {
        .permanent(Cause(.liaison, code: code, message: message))
    }
}
