import HTTP
import JSON
import Models
import XCTest

@testable import Sandbox

/// A sandbox without ports, called directly at a moment that the test chooses.
struct DirectSandbox {
    struct Answer {
        let status: Int
        let body: JSON
        let headers: HTTPHeaders

        /// PagerDuty's error code, or Salesforce's.
        var code: String? {
            body["error"]?["code"]?.int.map(String.init)
                ?? body[0]?["errorCode"]?.string ?? body["error"]?.string
        }
    }

    var state: SandboxState
    var now = Timestamp(milliseconds: 1_772_442_904_250)
    private var token = ""

    init(_ options: SandboxOptions = SandboxOptions()) {
        state = SandboxState(options, at: now)
        logIn(as: "liaison@sandbox.example")
    }

    mutating func logIn(as user: String) {
        let answer = control("POST", "/_sandbox/salesforce/sessions", ["as": .string(user)])
        token = answer.body["access_token"]?.string ?? ""
    }

    mutating func advance(_ seconds: Double) { now = now.advanced(by: .seconds(seconds)) }

    @discardableResult
    mutating func pagerDuty(
        _ method: String, _ target: String, _ body: JSON? = nil,
        key: String = "u+SandboxAccountKey1", from: String? = "liaison@example.com"
    ) -> Answer {
        var headers: HTTPHeaders = [
            "Authorization": "Token token=\(key)", "Content-Type": "application/json",
        ]
        headers["From"] = from
        return send(method, target, body, headers, to: .pagerDuty)
    }

    /// - Parameter target: below the version, unless it begins with `/services`.
    @discardableResult
    mutating func salesforce(
        _ method: String, _ target: String, _ body: JSON? = nil, headers: HTTPHeaders = [:],
        version: String = "v62.0"
    ) -> Answer {
        let whole = target.hasPrefix("/services") ? target : "/services/data/\(version)\(target)"
        var all = headers
        if all["Authorization"] == nil { all["Authorization"] = "Bearer \(token)" }
        return send(method, whole, body, all, to: .salesforce)
    }

    private mutating func send(
        _ method: String, _ target: String, _ body: JSON?, _ headers: HTTPHeaders,
        to vendor: Vendor
    ) -> Answer {
        let request = Self.request(method, target, body?.bytes ?? [], headers)
        switch state.receive(APICall(request, at: now), of: vendor) {
        case .answer(let response): return Self.answer(response)
        case .hang: return Answer(status: -1, body: .null, headers: [:])
        }
    }

    @discardableResult
    mutating func control(_ method: String, _ target: String, _ body: JSON = [:]) -> Answer {
        let request = Self.request(method, target, body.bytes, [:])
        return Self.answer(state.control(APICall(request, at: now)))
    }

    /// Acts as another user and returns the `incident` of the answer.
    @discardableResult
    mutating func act(
        _ what: String, _ details: JSON = [:], line: UInt = #line
    ) -> JSON {
        let answer = control(
            "POST", "/_sandbox/pagerduty/act", details.with(["do": .string(what)]))
        XCTAssertEqual(answer.status, 200, "\(answer.body)", line: line)
        return answer.body["incident"] ?? .null
    }

    /// Every message that may go now, each settled as `status`.
    mutating func deliver(_ status: Int = 202, body: String = "") -> [Dispatch] {
        let due = state.takeDue(at: now)
        for dispatch in due {
            let response = HTTPResponse(status: status, body: Array(body.utf8))
            state.settle(dispatch.entry, .answered(response), at: now)
        }
        return due
    }

    /// `deliver`, until nothing more may go.
    mutating func deliverAll(_ status: Int = 202) -> [Dispatch] {
        var all: [Dispatch] = []
        while case let part = deliver(status), !part.isEmpty { all += part }
        return all
    }

    static func request(
        _ method: String, _ target: String, _ body: [UInt8], _ headers: HTTPHeaders
    ) -> HTTPRequest {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        return HTTPRequest(
            method: method, path: parts[0], query: parts.count > 1 ? parts[1] : nil,
            headers: headers, body: body)
    }

    private static func answer(_ response: HTTPResponse) -> Answer {
        Answer(
            status: response.status, body: (try? JSON(parsing: response.body)) ?? .null,
            headers: response.headers)
    }
}

extension Dispatch {
    var json: JSON { (try? JSON(parsing: request.body)) ?? .null }
    var text: String { String(decoding: request.body, as: UTF8.self) }
    /// The event of a V3 webhook.
    var eventType: String { json["event"]?["event_type"]?.string ?? "" }
    /// The only one of a V2 webhook.
    var message: JSON { json["messages"]?[0] ?? .null }
}
