/// A handler that gets a whole request on the event loop's own thread. It must not block, and
/// answers once, from any thread, now or later.
public typealias HTTPLoopHandler = @Sendable (HTTPRequest, HTTPReply) -> Void

/// The decision on a head, before one byte of the body is read.
public enum HTTPAdmission: Sendable {
    /// Read a body of at most this size, then call the handler. A larger body is answered with 413.
    case accept(bodyBytesMax: Int)
    /// Read the body, then call this handler on the event loop. It suits work that takes less time
    /// than the way to a task and back.
    case acceptOnLoop(bodyBytesMax: Int, HTTPLoopHandler)
    /// Send this answer and close the connection. The body is not read.
    case refuse(HTTPResponse)
}

/// The reasons for which a server answers by itself, without its handler.
public enum HTTPServerRefusal: String, CaseIterable, Sendable {
    /// The request is malformed or asks for what the server does not support.
    case malformed
    case tooLarge = "too_large"
    /// The request did not arrive whole in time.
    case late
    /// A limit was reached: of connections, of requests in flight, or of buffered bytes.
    case connections, requests, bytes
    /// The handler did not answer in time.
    case unanswered
    case stopping
}

/// A request that got its answer from the server itself.
public struct HTTPRefusedRequest: Sendable {
    public let reason: HTTPServerRefusal
    /// The path of the request line, if one was read.
    public let path: String?
    /// The fault of the request; nil if the server had no room for a request without fault.
    public let fault: String?

    init(_ reason: HTTPServerRefusal, path: String? = nil, fault: String? = nil) {
        self.reason = reason
        self.path = path
        self.fault = fault
    }
}

/// The three callbacks of a server.
public struct HTTPHandler: Sendable {
    /// Called on the event loop's own thread: it must decide from the head alone and never block.
    public var admit: @Sendable (HTTPRequestHead) -> HTTPAdmission
    /// Called in a task of its own for each whole request. The task is cancelled when the
    /// handler's deadline passes; by then the client has been answered 503. A client that went
    /// away does not cancel it.
    public var respond: @Sendable (HTTPRequest) async -> HTTPResponse
    /// Called for every answer that the server gives by itself, on the event loop's own thread.
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
