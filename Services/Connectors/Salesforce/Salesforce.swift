import HTTP
import JSON
import Models

/// Salesforce's REST API as one integration user. Each call is made once; after an expired
/// session it is made again in a new one. The failure that it throws says what to do next.
///
/// Absent on purpose: Bulk API and Pub/Sub (other volumes and another protocol), deletion (not
/// needed), and retries (the queue's business).
public final class Salesforce: Sendable {
    let settings: SalesforceSettings
    private let send: Send
    private let admission: CallAdmission
    private let sessions: SessionCache

    /// - Parameters:
    ///   - now: the clock for the assertion's expiry and for how long a refusal is kept.
    ///   - admission: needed by every call and every login.
    public convenience init(
        settings: SalesforceSettings, client: HTTPClient,
        now: @escaping @Sendable () -> Timestamp, admission: CallAdmission = .unlimited
    ) {
        self.init(settings: settings, send: client.asSend, now: now, admission: admission)
    }

    init(
        settings: SalesforceSettings, send: @escaping Send,
        now: @escaping @Sendable () -> Timestamp, admission: CallAdmission = .unlimited
    ) {
        self.settings = settings
        self.send = send
        self.admission = admission
        sessions = SessionCache(now: now) { () async throws(Failure) -> SalesforceSession in
            try await SalesforceLogin(
                settings: settings, send: send, now: now, admission: admission
            ).session()
        }
    }

    /// The same organisation with the same sessions, its calls under another admission. Logins are
    /// shared and keep their own.
    public func admitted(by admission: CallAdmission) -> Salesforce {
        Salesforce(settings: settings, send: send, admission: admission, sessions: sessions)
    }

    private init(
        settings: SalesforceSettings, send: @escaping Send, admission: CallAdmission,
        sessions: SessionCache
    ) {
        self.settings = settings
        self.send = send
        self.admission = admission
        self.sessions = sessions
    }

    /// The user and organisation of the session; logs in if there is none.
    public func whoAmI() async throws(Failure) -> Identity {
        try await sessions.session().session.identity
    }

    /// Returns the answer, whatever its status. `call.path` is below the instance, `/services/...`.
    func perform(_ call: Call) async throws(Failure) -> HTTPResponse {
        let session = try await sessions.session()
        let response = try await exchange(call, in: session.session)
        guard Self.hasExpired(response) else { return response }
        let renewed = try await sessions.session(replacing: session)
        return try await exchange(call, in: renewed.session)
    }

    func reply<Value>(
        to call: Call, reading read: (JSON) -> Value?
    ) async throws(Failure) -> Value {
        try Self.value(of: try await perform(call), reading: read)
    }

    static func value<Value>(
        of response: HTTPResponse, reading read: (JSON) -> Value?
    ) throws(Failure) -> Value {
        try response.value(of: .salesforce, refusal: Failure.salesforce, reading: read)
    }

    /// A path below the version of the API.
    func path(_ rest: String) -> String { "/services/data/v\(settings.apiVersion)\(rest)" }

    static func hasExpired(_ response: HTTPResponse) -> Bool {
        response.status == 401
            && SalesforceProblem.all(in: response).contains {
                SalesforceDisposition.sessionCodes.contains($0.code)
                    && !SalesforceDisposition.isPermanentSessionText($0.message)
            }
    }

    func request(for call: Call, in session: SalesforceSession) -> HTTPClientRequest {
        var headers = call.headers
        headers["Accept"] = "application/json"
        headers["Authorization"] = "Bearer \(session.accessToken)"
        headers["Sforce-Call-Options"] = "client=\(settings.clientName)"
        if call.body != nil { headers["Content-Type"] = "application/json" }
        return HTTPClientRequest(
            method: call.method, url: session.instance.description + call.target,
            headers: headers, body: call.body?.bytes ?? [],
            timeout: settings.timeout)
    }

    private func exchange(
        _ call: Call, in session: SalesforceSession
    ) async throws(Failure) -> HTTPResponse {
        let judge = { (response: HTTPResponse) -> Failure? in
            response.isSuccess ? nil : .salesforce(response)
        }
        var request = request(for: call, in: session)
        request.mayBegin = admission.mayContinue
        let check = Self.check(session.instance, by: send)
        return try await admission.perform(check: check, judging: judge) {
            () async throws(Failure) in try await request.answer(by: send, at: session.instance)
        }
    }

    /// The list of versions: it needs no session and counts against no limit (Salesforce.md 18).
    static func check(
        _ server: ServerOrigin, by send: @escaping Send
    ) -> CallAdmission.HealthCheck {
        {
            let request = HTTPClientRequest(method: "GET", url: "\(server)/services/data")
            return await CallAdmission.answers(request, by: send)
        }
    }
}
