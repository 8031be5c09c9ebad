import Dispatch
import Glibc
import Synchronization

/// The reasons for which a server cannot open its port. They are for the operator; no code retries.
public enum HTTPServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The host is no address of this machine's and no name that resolves.
    case hostUnknown(String)
    /// The address exists but cannot be listened on: in use, or not permitted.
    case addressUnavailable(errno: Int32)
    /// The process may not have another descriptor.
    case descriptorsExhausted(errno: Int32)

    public var description: String {
        switch self {
        case .hostUnknown(let host): "the host \(host) is no address of this machine"
        case .addressUnavailable(let number):
            "the port cannot be opened: \(String(cString: strerror(number)))"
        case .descriptorsExhausted(let number):
            "the process cannot open another file or socket: \(String(cString: strerror(number)))"
        }
    }
}

/// A strict HTTP/1.1 server on one event loop thread.
///
/// Absent on purpose: TLS, HTTP/2, request trailers, compression and upgrades. A proxy stands in
/// front, and a request that the two could understand differently is refused.
public final class HTTPServer: Sendable {
    /// The port that was bound, also when 0 asked for any.
    public let port: Int

    private let handler: HTTPHandler
    private let inbox: EventLoopInbox
    private let exchanges: AsyncStream<Exchange>
    private let loop: Mutex<EventLoop?>

    /// Binds and listens; connections wait in the backlog until `run()`.
    ///
    /// - Parameters:
    ///   - host: a numeric address or a name of this machine, such as `127.0.0.1`, `::`.
    ///   - port: 0 for any free one.
    public init(
        host: String, port: Int, limits: HTTPServerLimits = HTTPServerLimits(),
        handler: HTTPHandler
    ) throws(HTTPServerError) {
        let listener = try ListeningSocket(host: host, port: port)
        self.port = listener.port
        self.handler = handler
        inbox = try EventLoopInbox()
        let (exchanges, continuation) = AsyncStream<Exchange>.makeStream()
        self.exchanges = exchanges
        loop = try Mutex(
            EventLoop(
                listener: listener, inbox: inbox, limits: limits, admit: handler.admit,
                refused: handler.refused, exchanges: continuation))
    }

    /// Serves until `stop()` has drained. Called once. Cancelling the surrounding task ends it at
    /// once: requests in flight are answered 503.
    public func run() async {
        guard let loop = loop.withLock({ $0.take() }) else { return }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await Self.runOnThread(loop) }
                for await exchange in exchanges {
                    group.addTask { [handler] in await exchange.perform(handler) }
                }
            }
        } onCancel: {
            inbox.requestShutdown(.immediate)
        }
    }

    /// Closes the port and finishes every request of which a byte has been read, with
    /// `Connection: close` in its answer; then `run()` returns. It may be called from any thread,
    /// before `run()`, and more than once.
    public func stop() {
        inbox.requestShutdown(.drain)
    }

    private static func runOnThread(_ loop: EventLoop) async {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "http.server").async {
                loop.run()
                continuation.resume()
            }
        }
        loop.exchanges.finish()
    }
}
