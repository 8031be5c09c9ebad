import Crypto
import HTTP
import JSON
import Models
import Runtime

/// The running programs that a scenario acts on: the stand-ins, ingest and the console.
struct ScenarioEnvironment: Sendable {
    let ingestURL: String
    let sandboxURL: String
    let console: OperatorConsole
    let client: HTTPClient
    let settleMax: Duration

    init(_ configuration: ScenarioConfiguration) throws(ScenarioError) {
        ingestURL = configuration.ingestURL
        sandboxURL = configuration.sandboxURL
        console = OperatorConsole(program: configuration.console)
        settleMax = configuration.settleMax
        do {
            client = try HTTPClient()
        } catch {
            throw .unreachable("no HTTP client: \(error)")
        }
    }

    /// A call of the control API that must succeed.
    func control(
        _ method: String, _ path: String, _ body: JSON = [:]
    ) async throws(ScenarioError) -> JSON {
        let request = HTTPClientRequest(
            method: method, url: sandboxURL + path, headers: ["Content-Type": "application/json"],
            body: method == "GET" ? [] : body.bytes, timeout: settleMax + .seconds(10))
        let response = try await send(request)
        guard (200...299).contains(response.status) else {
            let words = String(decoding: response.body, as: UTF8.self)
            throw .unexpected("\(method) \(path) was answered \(response.status) \(words)")
        }
        return (try? JSON(parsing: response.body)) ?? .null
    }

    func send(_ request: HTTPClientRequest) async throws(ScenarioError) -> HTTPResponse {
        do {
            return try await client.send(request)
        } catch {
            throw .unreachable("\(request.method) \(request.url): \(error)")
        }
    }

    /// Waits until nothing is to be delivered and no event waits; gives the log, oldest first.
    ///
    /// What the last event caused was in the stand-ins' outbox before the event ended. So when the
    /// outbox is empty and the log did not grow since no event waited, there is nothing left.
    func logAtRest() async throws(ScenarioError) -> [JSON] {
        let end = ContinuousClock.now + settleMax
        var before: Int?
        while true {
            _ = try await control("POST", "/_sandbox/settle", ["timeoutSeconds": 5])
            let log = try console.events()
            let waiting = log.filter { $0["outcome"] == "waiting" }
            if waiting.isEmpty, before == log.count, try await hasDeliveredAll() { return log }
            if ContinuousClock.now > end {
                let lanes = waiting.compactMap { $0["lane"]?.string }
                throw .restless(lanes.isEmpty ? "deliveries" : lanes.joined(separator: ", "))
            }
            before = waiting.isEmpty ? log.count : nil
            if !waiting.isEmpty { await Latch().wait(atMost: .milliseconds(100)) }
        }
    }

    private func hasDeliveredAll() async throws(ScenarioError) -> Bool {
        try await control("GET", "/_sandbox")["waiting"] == 0
    }
}

extension RawDelivery {
    /// The request as the vendor would send it now.
    func request(
        to ingestURL: String, _ variables: Variables, at now: Timestamp
    ) throws(ScenarioError) -> HTTPClientRequest {
        let body = try variables.filled(body)
        let bytes = body.string.map { Array($0.utf8) } ?? body.bytes
        var all: HTTPHeaders = ["Content-Type": "application/json"]
        for (name, value) in headers { all[name] = try variables.filled(value) }
        switch proof {
        case .none: break
        case .pagerDuty(let secret):
            all["X-PagerDuty-Signature"] = Self.signature(
                of: bytes, under: try variables.filled(secret))
        case .apex(let secret):
            let time = String(now.seconds)
            all["X-Liaison-Timestamp"] = time
            all["X-Liaison-Signature"] = Self.signature(
                of: Array("\(time).".utf8) + bytes, under: try variables.filled(secret))
        }
        return HTTPClientRequest(
            method: "POST", url: ingestURL + (try variables.filled(path)), headers: all,
            body: bytes)
    }

    private static func signature(of bytes: [UInt8], under secret: String) -> String {
        let code = HMACSHA256.authenticationCode(key: Array(secret.utf8), message: bytes)
        return "v1=\(Hex.encode(code))"
    }
}
