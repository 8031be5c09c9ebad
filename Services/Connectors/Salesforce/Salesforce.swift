import HTTP
import JSON
import Models

/// Salesforce's REST API as one integration user. Each call is made once, but for one new login
/// and one replay when the session has expired; what it throws says what to do next.
///
/// Absent on purpose: Bulk API and Pub/Sub (other volumes and another protocol), deletion (nobody
/// needs it), and retries (the queue's business).
public final class Salesforce: Sendable {
    let settings: SalesforceSettings
    private let send: Send
    private let gate: CallGate
    private let sessions: SessionCache

    /// - Parameters:
    ///   - now: the clock for the assertion's expiry and for how long a refusal is kept.
    ///   - gate: passed by every call and every login.
    public convenience init(
        settings: SalesforceSettings, client: HTTPClient,
        now: @escaping @Sendable () -> Timestamp, gate: CallGate = .open
    ) {
        self.init(settings: settings, send: client.asSend, now: now, gate: gate)
    }

    init(
        settings: SalesforceSettings, send: @escaping Send,
        now: @escaping @Sendable () -> Timestamp, gate: CallGate = .open
    ) {
        self.settings = settings
        self.send = send
        self.gate = gate
        sessions = SessionCache(now: now) { () async throws(Failure) -> Session in
            try await Login(settings: settings, send: send, now: now, gate: gate).session()
        }
    }

    /// The same organisation with its sessions, its calls behind another gate; logins concern
    /// everybody and keep theirs.
    public func behind(_ gate: CallGate) -> Salesforce {
        Salesforce(settings: settings, send: send, gate: gate, sessions: sessions)
    }

    private init(
        settings: SalesforceSettings, send: @escaping Send, gate: CallGate, sessions: SessionCache
    ) {
        self.settings = settings
        self.send = send
        self.gate = gate
        self.sessions = sessions
    }

    /// Who we are; logs in when nobody has yet.
    public func whoAmI() async throws(Failure) -> Identity {
        try await sessions.session().session.identity
    }

    /// Any status is an answer here. `call.path` is below the instance, `/services/...`.
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

    /// Below the version of the API.
    func path(_ rest: String) -> String { "/services/data/v\(settings.apiVersion)\(rest)" }

    static func hasExpired(_ response: HTTPResponse) -> Bool {
        response.status == 401
            && SalesforceProblem.all(in: response).contains {
                SalesforceDisposition.sessionCodes.contains($0.code)
                    && !SalesforceDisposition.isPermanentSessionText($0.message)
            }
    }

    func request(for call: Call, in session: Session) -> HTTPClientRequest {
        var headers = call.headers
        headers["Accept"] = "application/json"
        headers["Authorization"] = "Bearer \(session.accessToken)"
        headers["Sforce-Call-Options"] = "client=\(settings.clientName)"
        if call.body != nil { headers["Content-Type"] = "application/json" }
        return HTTPClientRequest(
            method: call.method, url: session.instance.description + call.target,
            headers: headers, body: call.body?.bytes ?? [],
            timeout: .seconds(settings.timeoutSeconds))
    }

    private func exchange(_ call: Call, in session: Session) async throws(Failure) -> HTTPResponse {
        let judge = { (response: HTTPResponse) -> Failure? in
            response.isSuccess ? nil : .salesforce(response)
        }
        var request = request(for: call, in: session)
        request.mayBegin = gate.mayContinue
        let check = Self.check(session.instance, by: send)
        return try await gate.pass(check: check, judging: judge) { () async throws(Failure) in
            do throws(HTTPClientError) {
                return try await send(request)
            } catch {
                throw Failure(error, server: session.instance)
            }
        }
    }

    /// The list of versions: it needs no session and counts against no limit (Salesforce.md 18).
    static func check(_ server: ServerOrigin, by send: @escaping Send) -> CallGate.Check {
        {
            let request = HTTPClientRequest(method: "GET", url: "\(server)/services/data")
            return await CallGate.answers(request, by: send)
        }
    }
}

/// One login by the JWT bearer flow.
struct Login {
    let settings: SalesforceSettings
    let send: Send
    let now: @Sendable () -> Timestamp
    var gate = CallGate.open

    /// An assertion that expired on its way is made anew, once.
    func session() async throws(Failure) -> Session {
        var response = try await attempt()
        if Self.hasExpired(response) { response = try await attempt() }
        guard response.isSuccess else {
            throw .salesforceLogin(response, at: settings.login)
        }
        return try Session(response, from: settings.login)
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
            body: Array(form.utf8), timeout: .seconds(settings.timeoutSeconds))
    }

    private func attempt() async throws(Failure) -> HTTPResponse {
        let request = try Self.request(for: settings, now: now())
        let check = Salesforce.check(settings.login, by: send)
        return try await gate.pass(check: check, judging: judged) { () async throws(Failure) in
            do throws(HTTPClientError) {
                return try await send(request)
            } catch {
                throw Failure(error, server: settings.login)
            }
        }
    }

    /// A refusal concerns who logs in and is remembered with the session; what is left tells of the
    /// vendor.
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
