/// The paths that the operator's tools ask a process for; to be bound apart from the public port.
public struct HTTPOperations: Sendable {
    /// `nil` when the process may be given work, else a sentence why not.
    let unreadiness: @Sendable () -> String?
    let metrics: @Sendable () -> (contentType: String, text: String)

    public init(
        unreadiness: @escaping @Sendable () -> String?,
        metrics: @escaping @Sendable () -> (contentType: String, text: String)
    ) {
        self.unreadiness = unreadiness
        self.metrics = metrics
    }

    /// `GET /healthz` says that the process turns, `/readyz` whether it may be given work,
    /// `/metrics` its numbers.
    public var handler: HTTPHandler {
        HTTPHandler(admit: { _ in .accept(bodyBytesMax: 0) }, respond: { respond($0) })
    }

    private func respond(_ request: HTTPRequest) -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .problem(status: 405, detail: "Send a GET.", headers: ["Allow": "GET, HEAD"])
        }
        switch request.path {
        case "/healthz": return Self.text("alive\n")
        case "/readyz":
            return unreadiness().map { .unavailable(detail: $0) } ?? Self.text("ready\n")
        case "/metrics":
            let (type, text) = metrics()
            return Self.text(text, type: type)
        case _: return .problem(status: 404, detail: "There is no such path.")
        }
    }

    private static func text(
        _ body: String, type: String = "text/plain; charset=utf-8"
    ) -> HTTPResponse {
        HTTPResponse(status: 200, headers: ["Content-Type": type], body: Array(body.utf8))
    }
}
