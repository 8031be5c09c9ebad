import HTTP
import Models

/// One login by the JWT bearer flow.
struct SalesforceLogin {
    let settings: SalesforceSettings
    let send: Send
    let now: @Sendable () -> Timestamp
    var admission = CallAdmission.unlimited

    /// Returns a new session. An assertion that expired in transit is renewed once.
    func session() async throws(Failure) -> SalesforceSession {
        var response = try await attempt()
        if Self.hasExpired(response) { response = try await attempt() }
        guard response.isSuccess else {
            throw .salesforceLogin(response, at: settings.login)
        }
        return try SalesforceSession(response, from: settings.login)
    }

    static func request(
        for settings: SalesforceSettings, now: Timestamp
    ) throws(Failure) -> HTTPClientRequest {
        let assertion = try Assertion.signed(for: settings, now: now)
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        let form = "grant_type=\(grant.percentEncoded)&assertion=\(assertion.percentEncoded)"
        return HTTPClientRequest(
            method: "POST", url: "\(settings.login)/services/oauth2/token",
            headers: [
                "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded",
            ],
            body: Array(form.utf8), timeout: settings.timeout)
    }

    private func attempt() async throws(Failure) -> HTTPResponse {
        let request = try Self.request(for: settings, now: now())
        let check = Salesforce.check(settings.login, by: send)
        return try await admission.perform(check: check, judging: judged) {
            () async throws(Failure) in try await request.answer(by: send, at: settings.login)
        }
    }

    /// A refused login concerns our user and is remembered with the session. Only a failure of the
    /// server counts against the vendor.
    private func judged(_ response: HTTPResponse) -> Failure? {
        guard !response.isSuccess else { return nil }
        let failure = Failure.salesforceLogin(response, at: settings.login)
        if case .retryable = failure { return failure }
        return nil
    }

    private static func hasExpired(_ response: HTTPResponse) -> Bool {
        response.status == 400
            && response.json?["error_description"]?.string?.contains("expired") == true
    }
}
