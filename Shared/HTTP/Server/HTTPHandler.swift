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

/// What a server does with requests.
public struct HTTPHandler: Sendable {
    /// Called on the event loop's own thread: it must decide from the head alone and never block.
    public var admit: @Sendable (HTTPRequestHead) -> HTTPAdmission
    /// Called in a task of its own for each whole request. The task is cancelled when the
    /// handler's deadline passes; by then the client has been answered 503. A client that went
    /// away does not cancel it.
    public var respond: @Sendable (HTTPRequest) async -> HTTPResponse

    public init(
        admit: @escaping @Sendable (HTTPRequestHead) -> HTTPAdmission = { _ in
            .accept(bodyBytesMax: 1 << 20)
        },
        respond: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) {
        self.admit = admit
        self.respond = respond
    }
}
