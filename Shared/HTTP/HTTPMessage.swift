/// The request line and the header fields of a request, known before its body is read.
public struct HTTPRequestHead: Sendable {
    /// A token of at most 16 characters, case-sensitive; it may be none that exists.
    public var method: String
    /// The target before `?`, still percent-encoded; begins with `/`.
    public var path: String
    /// The target after the first `?`, still percent-encoded; `nil` without one.
    public var query: String?
    public var headers: HTTPHeaders

    public init(method: String, path: String, query: String? = nil, headers: HTTPHeaders = [:]) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
    }
}

/// A whole request; `body` is what the sender put in, with any chunk framing removed.
public struct HTTPRequest: Sendable {
    public var head: HTTPRequestHead
    public var body: [UInt8]

    public var method: String { head.method }
    public var path: String { head.path }
    public var query: String? { head.query }
    public var headers: HTTPHeaders { head.headers }

    public init(head: HTTPRequestHead, body: [UInt8] = []) {
        self.head = head
        self.body = body
    }

    public init(
        method: String, path: String, query: String? = nil, headers: HTTPHeaders = [:],
        body: [UInt8] = []
    ) {
        let head = HTTPRequestHead(method: method, path: path, query: query, headers: headers)
        self.init(head: head, body: body)
    }
}

/// An answer, given by a handler of the server or received by the client.
///
/// The server writes `Content-Length` and `Connection` itself and drops a handler's own. A field
/// that could break the framing (control characters) turns the whole answer into a 500.
public struct HTTPResponse: Sendable {
    /// 200 to 599 from a handler, or `connectionReset`.
    public var status: Int
    public var headers: HTTPHeaders
    public var body: [UInt8]
    /// Asks the server to close the connection after this answer. Always `false` from the client.
    public var closesConnection: Bool

    public init(
        status: Int, headers: HTTPHeaders = [:], body: [UInt8] = [],
        closesConnection: Bool = false
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.closesConnection = closesConnection
    }

    /// Makes the server reset the connection without an answer. Stand-ins use it to play a failing
    /// server.
    public static let connectionReset: HTTPResponse = {
        var response = HTTPResponse(status: 0)
        response.resetsConnection = true
        return response
    }()

    var resetsConnection = false
}
