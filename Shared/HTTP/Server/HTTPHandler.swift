/// Takes a whole request on the event loop's own thread, and answers once, from any thread, now or
/// later. It must not block.
public typealias HTTPReceiver = @Sendable (HTTPRequest, HTTPReply) -> Void

/// The decision on a head, before one byte of the body is read.
public enum HTTPAdmission: Sendable {
    /// Read the body, up to so many bytes; more is answered with 413. Then ask the handler.
    case accept(bodyBytesMax: Int)
    /// Read the body, then call the receiver instead: for work that takes less than the way to a
    /// task and back. What was found for the head need not be looked for again.
    case hand(bodyBytesMax: Int, to: HTTPReceiver)
    /// Answer this and close the connection; the body is not read (404, 405, 413, 415 ...).
    case refuse(HTTPResponse)
}

/// Why a server answered by itself, without its handler.
public enum HTTPServerRefusal: String, CaseIterable, Sendable {
    /// No request that can be understood.
    case malformed
    case tooLarge = "too_large"
    /// It did not come whole in time.
    case late
    /// The limit of connections, of requests worked on, or of bytes received was reached.
    case connections, requests, bytes
    /// The handler did not answer in time.
    case unanswered
    case stopping
}

/// A request that got its answer from the server itself.
public struct HTTPRefusedRequest: Sendable {
    public let reason: HTTPServerRefusal
    /// What the request line names, as far as one was read.
    public let path: String?
    /// What was wrong with the request; `nil` when nothing was, and the server had no room for it.
    public let fault: String?

    init(_ reason: HTTPServerRefusal, path: String? = nil, fault: String? = nil) {
        self.reason = reason
        self.path = path
        self.fault = fault
    }
}

/// What a server does with requests.
public struct HTTPHandler: Sendable {
    /// Called on the event loop's own thread: it must decide from the head alone and never block.
    public var admit: @Sendable (HTTPRequestHead) -> HTTPAdmission
    /// Called in a task of its own for each whole request. The task is cancelled when the
    /// handler's deadline passes; by then the client has been answered 503. A client that went
    /// away does not cancel it.
    public var respond: @Sendable (HTTPRequest) async -> HTTPResponse
    /// Hears of every answer that the server gave by itself, on the event loop's own thread.
    public var refused: @Sendable (HTTPRefusedRequest) -> Void

    public init(
        admit: @escaping @Sendable (HTTPRequestHead) -> HTTPAdmission = { _ in
            .accept(bodyBytesMax: 1 << 20)
        },
        respond: @escaping @Sendable (HTTPRequest) async -> HTTPResponse,
        refused: @escaping @Sendable (HTTPRefusedRequest) -> Void = { _ in }
    ) {
        self.admit = admit
        self.respond = respond
        self.refused = refused
    }
}
