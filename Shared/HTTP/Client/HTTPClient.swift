import Dispatch
import Synchronization

/// Calls servers over HTTP/1.1, with all transfers on one thread of its own.
///
/// TLS is 1.2 or newer and checked against the system's authorities. Proxies from the environment
/// are not used.
public final class HTTPClient: Sendable {
    private let loop: CurlLoop
    private let calls = Atomic<UInt64>(0)

    public init(limits: HTTPClientLimits = HTTPClientLimits()) throws(HTTPClientSetupError) {
        let loop = try CurlLoop(limits: limits)
        self.loop = loop
        DispatchQueue(label: "http.client").async { loop.run() }
    }

    deinit {
        loop.shutdown()
    }

    /// Performs the request once: it is never repeated after a byte of it was sent, GET and HEAD
    /// apart. Redirects are answers like any other, and no status is an error.
    public func send(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPResponse {
        let host = try request.checkedHost()
        let id = calls.add(1, ordering: .relaxed).newValue
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let call = ClientCall(
                    id: id, request: request, host: host, continuation: continuation)
                loop.start(call)
                // Cancelled before the call was there to be cancelled.
                if Task.isCancelled { loop.cancel(id) }
            }
        } onCancel: {
            loop.cancel(id)
        }
        return try outcome.get()
    }

    /// Ends every request in flight with `cancelled`; later ones fail as `notSent`.
    public func shutdown() {
        loop.shutdown()
    }
}
