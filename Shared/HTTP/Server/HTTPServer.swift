/// Why a server could not open its port. Each case is for the operator: nothing retries it.
public enum HTTPServerError: Error, Sendable, Equatable {
    /// The host is no address of this machine's and no name that resolves.
    case hostUnknown(String)
    /// The address exists but cannot be listened on: in use, or not permitted.
    case addressUnavailable(errno: Int32)
    /// The process may not have another descriptor.
    case descriptorsExhausted(errno: Int32)
}

/// A strict HTTP/1.1 server on one event loop thread.
public final class HTTPServer: Sendable {
    /// The port that was bound, also when 0 asked for any.
    public let port: Int

    /// Binds and listens; connections wait in the backlog until `run()`.
    ///
    /// - Parameters:
    ///   - host: a numeric address or a name of this machine, such as `127.0.0.1`, `::`.
    ///   - port: 0 for any free one.
    public init(
        host: String, port: Int, limits: HTTPServerLimits = HTTPServerLimits(),
        handler: HTTPHandler
    ) throws(HTTPServerError) {
        self.port = port
    }

    /// Serves until `stop()` has drained. Cancelling the surrounding task is the hard way out:
    /// requests in flight are answered 503.
    public func run() async {}

    /// Closes the listener, finishes every request of which a byte has been read, says
    /// `Connection: close` in its answer, then lets `run()` return. Safe from any thread, also
    /// before `run()` and more than once.
    public func stop() {}
}
