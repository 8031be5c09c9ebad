import HTTP
import JSON
import Models

/// PagerDuty's REST API, version 2. Each call is made once: the failure that it throws
/// says what to do next.
///
/// Absent on purpose: bulk updates (PagerDuty.md 52), and any GET before a PUT. The caller compares
/// with the present state, since acknowledging a resolved incident reopens it (PagerDuty.md 49).
public struct PagerDuty: Sendable {
    let settings: PagerDutySettings
    private let send: Send
    /// Every call needs it.
    public var admission: CallAdmission

    public init(
        settings: PagerDutySettings, client: HTTPClient, admission: CallAdmission = .unlimited
    ) {
        self.init(settings: settings, send: client.asSend, admission: admission)
    }

    init(
        settings: PagerDutySettings, send: @escaping Send, admission: CallAdmission = .unlimited
    ) {
        self.settings = settings
        self.send = send
        self.admission = admission
    }

    /// Returns the answer, whatever its status.
    func perform(_ call: Call) async throws(Failure) -> HTTPResponse {
        let judge = { (response: HTTPResponse) -> Failure? in
            response.isSuccess ? nil : .pagerDuty(response)
        }
        var request = request(for: call)
        request.mayBegin = admission.mayContinue
        return try await admission.perform(check: check, judging: judge) {
            () async throws(Failure) in try await request.answer(by: send, at: settings.origin)
        }
    }

    var check: CallAdmission.HealthCheck {
        { await CallAdmission.answers(request(for: .get("/abilities")), by: send) }
    }

    func reply<Value>(
        to call: Call, reading read: (JSON) -> Value?
    ) async throws(Failure) -> Value {
        try Self.value(of: try await perform(call), reading: read)
    }

    static func value<Value>(
        of response: HTTPResponse, reading read: (JSON) -> Value?
    ) throws(Failure) -> Value {
        try response.value(of: .pagerDuty, refusal: Failure.pagerDuty, reading: read)
    }

    func request(for call: Call) -> HTTPClientRequest {
        var headers = call.headers
        headers["Accept"] = "application/vnd.pagerduty+json;version=2"
        headers["Authorization"] = settings.credential.authorization
        if call.isWrite {
            headers["Content-Type"] = "application/json"
            if let from = settings.from { headers["From"] = from }
        }
        return HTTPClientRequest(
            method: call.method, url: settings.origin.description + call.target,
            headers: headers, body: call.body?.bytes ?? [],
            timeout: settings.timeout)
    }
}
