import Dispatch
import Glibc
import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

/// The connectors with their real client against real sockets.
final class OverHTTPTests: XCTestCase {
    /// Serves the answers one after the other while `body` runs with the server's address;
    /// `SERVER` in an answer becomes the host and port that the request was sent to.
    private func serving(
        _ answers: [Result<HTTPResponse, HTTPClientError>],
        _ body: (_ address: String, _ script: Script) async throws -> Void
    ) async throws {
        let script = Script(answers)
        let server = try HTTPServer(
            host: "127.0.0.1", port: 0,
            handler: HTTPHandler { request in
                let query = request.query.map { "?\($0)" } ?? ""
                let seen = HTTPClientRequest(
                    method: request.method, url: "http://server\(request.path)\(query)",
                    headers: request.headers, body: request.body)
                var response = (try? await script.send(seen)) ?? HTTPResponse(status: 599)
                let host = request.headers["Host"] ?? ""
                response.body = Array(
                    String(decoding: response.body, as: UTF8.self)
                        .replacing("SERVER", with: host).utf8)
                return response
            })
        async let running: Void = server.run()
        do {
            try await body("http://127.0.0.1:\(server.port)", script)
        } catch {
            XCTFail("\(error)")
        }
        server.stop()
        await running
    }

    private func pagerDuty(
        _ address: String, timeout: Duration = .seconds(30)
    ) throws -> PagerDuty {
        var settings = PagerDutySettings(
            origin: try XCTUnwrap(ServerOrigin(address)), credential: .apiKey("key"),
            from: "bridge@example.com")
        settings.timeout = timeout
        return PagerDuty(settings: settings, client: try HTTPClient())
    }

    func testAnIncidentIsCreated() async throws {
        let incident: JSON = ["incident": ["id": "PINC1", "title": "Größe"]]
        try await serving([.json(201, incident)]) { address, script in
            let new = NewIncident(title: "Größe", service: "PSVC1", incidentKey: "k")
            let reply = try await pagerDuty(address).createIncident(new)
            XCTAssertEqual(reply.incident.title, "Größe")
            let request = try XCTUnwrap(script.requests.first)
            XCTAssertEqual(request.json?["incident"]?["title"], "Größe")
            XCTAssertEqual(request.headers["From"], "bridge@example.com")
            XCTAssertEqual(request.headers["Authorization"], "Token token=key")
        }
    }

    func testAThrottledCallTellsWhenToRetry() async throws {
        try await serving([
            .answer(429, "", ["ratelimit-reset": "17"]), .answer(429),
        ]) { address, _ in
            let vendor = try pagerDuty(address)
            for seconds in [17.0, 30] {
                let ended = await Disposition.of { () async throws(Failure) in
                    try await vendor.incident("PINC1")
                }
                XCTAssertEqual(ended, .wait(seconds))
            }
        }
    }

    func testAnExpiredSessionIsRenewedAndTheCallReplayed() async throws {
        let done: JSON = ["totalSize": 0, "done": true, "records": []]
        try await serving([
            .json(200, Org.token("T1", instance: "http://SERVER")), .answer(401, Org.expired),
            .json(200, Org.token("T2", instance: "http://SERVER")), .json(200, done),
        ]) { address, script in
            let client = Salesforce(
                settings: try Org.settings(login: address), client: try HTTPClient(),
                now: { Org.now })
            _ = try await client.query(SOQL(select: ["Id"], from: "Case"))
            XCTAssertEqual(script.logins, 2)
            XCTAssertEqual(
                script.requests.map { $0.headers["Authorization"] },
                [nil, "Bearer T1", nil, "Bearer T2"])
        }
    }

    /// The vendor takes the request, does what it asks, and never answers.
    func testACallWithoutAnAnswerIsRetryable() async throws {
        let held = HeldLogin()
        let server = try HTTPServer(
            host: "127.0.0.1", port: 0,
            handler: HTTPHandler { _ in
                await held.begin()
                return HTTPResponse(status: 200)
            })
        async let running: Void = server.run()
        let vendor = try pagerDuty("http://127.0.0.1:\(server.port)", timeout: .milliseconds(300))
        let failure = await failure { () async throws(Failure) in
            try await vendor.addNote("PINC1", "x")
        }
        XCTAssertEqual(Disposition(failure), .retry)
        held.open()
        server.stop()
        await running
    }

    func testADroppedConnectionIsNoAnswer() async throws {
        let listener = try Listener()
        listener.dropOne()
        let vendor = try pagerDuty("http://127.0.0.1:\(listener.port)")
        let failure = await failure { () async throws(Failure) in
            try await vendor.addNote("PINC1", "x")
        }
        XCTAssertEqual(Disposition(failure), .retry)
        XCTAssertEqual(failure?.cause?.code, "noAnswer")
    }

    func testACallToAClosedPortIsNotSent() async throws {
        let port = try Listener().port
        let vendor = try pagerDuty("http://127.0.0.1:\(port)")
        let failure = await failure { () async throws(Failure) in
            try await vendor.addNote("PINC1", "x")
        }
        XCTAssertEqual(Disposition(failure), .retry)
        XCTAssertEqual(failure?.cause?.code, "notSent")
    }
}

/// A port of this machine; closed with the object.
private final class Listener: Sendable {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let bound = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            return bind(descriptor, pointer, length) == 0 && listen(descriptor, 1) == 0
                && getsockname(descriptor, pointer, &length) == 0
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        XCTAssertTrue(bound)
    }

    deinit { close(descriptor) }

    /// Reads something of one request, then hangs up.
    func dropOne() {
        DispatchQueue.global().async { [self] in
            let connection = accept(descriptor, nil, nil)
            var buffer = [UInt8](repeating: 0, count: 4096)
            _ = read(connection, &buffer, buffer.count)
            close(connection)
        }
    }
}
