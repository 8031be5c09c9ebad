/// The paths for the operator's tools. A server of its own serves them, apart from the public port.
///
/// `GET /healthz` shows that the process answers, `/readyz` if it may be given work, `/metrics` its
/// numbers.
public struct HTTPOperations: Sendable {
    private typealias Handler = @Sendable () -> HTTPResponse

    private let router: HTTPRouter<Handler>

    /// - Parameter unreadiness: nil if the process may be given work, else a sentence that says why
    ///   not.
    public init(
        unreadiness: @escaping @Sendable () -> String?,
        metrics: @escaping @Sendable () -> (contentType: String, text: String)
    ) {
        router = HTTPRouter([
            "GET|HEAD /healthz": { Self.text("alive\n") },
            "GET|HEAD /readyz": {
                unreadiness().map { .unavailable(detail: $0) } ?? Self.text("ready\n")
            },
            "GET|HEAD /metrics": {
                let (type, text) = metrics()
                return Self.text(text, type: type)
            },
        ])
    }

    public var handler: HTTPHandler {
        HTTPHandler(admit: { _ in .accept(bodyBytesMax: 0) }, respond: { respond($0) })
    }

    private func respond(_ request: HTTPRequest) -> HTTPResponse {
        switch router.match(method: request.method, path: request.path) {
        case .handler(let respond, _): respond()
        case .methodNotAllowed(let allowed): .methodNotAllowed(allowed: allowed)
        case .notFound: .pathNotFound
        }
    }

    private static func text(
        _ body: String, type: String = "text/plain; charset=utf-8"
    ) -> HTTPResponse {
        HTTPResponse(status: 200, headers: ["Content-Type": type], body: Array(body.utf8))
    }
}
