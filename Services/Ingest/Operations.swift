import HTTP
import Runtime

/// The port for the operator's tools. It is not for the public: bind it apart.
struct Operations: Sendable {
    let directory: ConnectionDirectory
    let metrics: Metrics
    let stopping: Latch

    func respond(_ request: HTTPRequest) -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .problem(status: 405, detail: "Send a GET.", headers: ["Allow": "GET, HEAD"])
        }
        switch request.path {
        case "/healthz": return text("alive\n")
        case "/readyz": return readiness
        case "/metrics": return text(metrics.render(), type: Metrics.contentType)
        case _: return .problem(status: 404, detail: "There is no such path.")
        }
    }

    /// A database that is away does not make the door unready: it still answers 503 within
    /// milliseconds, which says more to the vendors than a closed door.
    private var readiness: HTTPResponse {
        if stopping.isOpen { return .unavailable(detail: "Stopping.") }
        if !directory.isLoaded { return .unavailable(detail: "The configuration is not loaded.") }
        return text("ready\n")
    }

    private func text(_ body: String, type: String = "text/plain; charset=utf-8") -> HTTPResponse {
        HTTPResponse(status: 200, headers: ["Content-Type": type], body: Array(body.utf8))
    }
}
