import JSON

/// Reads the calls that the sandbox receives, as they come.
struct CallObserver: Sendable {
    struct Call {
        let path: String
        let text: String
        let status: Int
    }

    let sandbox: SandboxControl
    /// `pagerduty` or `salesforce`.
    let vendor: String
    private var last = 0

    init(_ sandbox: SandboxControl, vendor: String) {
        (self.sandbox, self.vendor) = (sandbox, vendor)
    }

    /// Returns the calls since the last request, and waits for the first. It omits logins.
    mutating func next(waitingAtMost duration: Duration) async throws -> [Call] {
        let answer = try await sandbox.ask(
            "GET", "/calls?after=\(last)&vendor=\(vendor)&waitSeconds=\(duration.seconds)")
        let calls = answer["calls"]?.array ?? []
        last = calls.last?["number"]?.int ?? last
        return calls.compactMap { call in
            let path = call["path"]?.string ?? ""
            if path.hasPrefix("/services/oauth2/") { return nil }
            return Call(
                path: path, text: call["body"]?.text ?? "", status: call["status"]?.int ?? 0)
        }
    }
}
