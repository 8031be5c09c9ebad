/// Why a client could not be made: libcurl or the system gave no handle or thread.
public enum HTTPClientSetupError: Error, Sendable, Equatable {
    case unavailable(reason: String)
}

/// Calls servers over HTTP/1.1, with all transfers on one thread of its own.
public final class HTTPClient: Sendable {
    public init(limits: HTTPClientLimits = HTTPClientLimits()) throws(HTTPClientSetupError) {}

    /// Performs the request once. Redirects are answers like any other, and no status is an error.
    public func send(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPResponse {
        throw .cancelled
    }

    /// Ends every request in flight with `cancelled`; later ones fail as `notSent`.
    public func shutdown() {}
}
