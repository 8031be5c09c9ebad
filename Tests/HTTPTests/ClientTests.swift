import HTTP
import XCTest

/// Requests as they are sent, and answers as they come back.
final class ClientTests: XCTestCase {
    func testReturnsEveryStatusAsAnAnswer() async throws {
        let handler = HTTPHandler.answering { request in
            let status = Int(request.path.dropFirst()) ?? 0
            let headers: HTTPHeaders = ["Location": "/elsewhere", "X-A": "1", "x-a": " 2"]
            return HTTPResponse(status: status, headers: headers, body: Array("body".utf8))
        }
        try await withServer({ _ in }, handler) { server in
            let client = try HTTPClient()
            for status in [200, 201, 301, 302, 307, 400, 401, 404, 429, 500, 503] {
                let answer = try await client.send(server.request("GET", "\(status)"))
                XCTAssertEqual(answer.status, status)
                XCTAssertEqual(answer.body, Array("body".utf8))
                XCTAssertEqual(answer.headers.values("X-A"), ["1", "2"])
            }
        }
    }

    func testSendsWhatItIsGiven() async throws {
        let handler = HTTPHandler.answering { request in
            let fields = request.headers.fields.map { "\($0.name)=\($0.value)" }.sorted()
            let text = summary(request) + " " + fields.joined(separator: " ")
            return HTTPResponse(status: 200, body: Array(text.utf8))
        }
        try await withServer({ _ in }, handler) { server in
            let client = try HTTPClient()
            let host = "Host=127.0.0.1:\(server.port)"
            func check(_ request: HTTPClientRequest, _ expected: String, line: UInt = #line) async {
                let answer = try? await client.send(request)
                let text = answer.map { String(decoding: $0.body, as: UTF8.self) }
                XCTAssertEqual(text, expected, line: line)
            }
            await check(server.request("GET", "a?b=%20"), "GET /a?b=%20 [] Accept=*/* \(host)")
            await check(server.request("DELETE", "a"), "DELETE /a [] Accept=*/* \(host)")
            for method in ["POST", "PUT", "PATCH"] {
                await check(
                    server.request(method, ""), "\(method) / [] Accept=*/* Content-Length=0 \(host)"
                )
                await check(
                    server.request(method, "", ["Content-Type": "text/x", "X-Empty": ""], "abc"),
                    "\(method) / [abc] Accept=*/* Content-Length=3 Content-Type=text/x \(host) X-Empty="
                )
            }
            await check(
                server.request("GET", "", ["Accept": "a/b", "X": "1", "x": "2"], "q"),
                "GET / [q] Accept=a/b Content-Length=1 \(host) X=1 x=2")
            let head = try await client.send(server.request("HEAD", ""))
            XCTAssertEqual(head.status, 200)
            XCTAssertEqual(head.body, [])
        }
    }

    func testCarriesLargeBodiesBothWays() async throws {
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let handler = HTTPHandler(
            admit: { _ in .accept(bodyBytesMax: 4 << 20) },
            respond: { HTTPResponse(status: 200, body: $0.body) })
        try await withServer({ _ in }, handler) { server in
            let client = try HTTPClient()
            var request = server.request("POST", "")
            request.body = body
            let answer = try await client.send(request)
            XCTAssertEqual(answer.body, body)
        }
    }

    func testRefusesWhatCouldInjectAHeader() async throws {
        let client = try HTTPClient()
        func check(_ change: (inout HTTPClientRequest) -> Void, line: UInt = #line) async {
            var request = HTTPClientRequest(method: "GET", url: "http://127.0.0.1:1/")
            change(&request)
            do throws(HTTPClientError) {
                _ = try await client.send(request)
                XCTFail("sent", line: line)
            } catch {
                guard case .notSent(let reason) = error else {
                    return XCTFail("\(error)", line: line)
                }
                XCTAssertFalse(reason.contains("connect"), "\(reason): went out", line: line)
            }
        }
        for bad in ["a\r\nb", "a\nb", "a\rb", "a\0b", "a\tb", "a\u{7f}b", "\u{1b}"] {
            await check { $0.headers = ["X": bad] }
            await check { $0.headers = [bad: "x"] }
            await check { $0.method = bad }
            await check { $0.url += bad }
        }
        for name in ["", "X Y", "X:", "Ü", "Host", "content-length", "Transfer-Encoding", "expect"]
        {
            await check { $0.headers = [name: "x"] }
        }
        for url in [
            "", "/", "127.0.0.1", "ftp://127.0.0.1:1/", "file:///etc/passwd", "http://",
            "HTTP://127.0.0.1:1/", "gopher://127.0.0.1:1/", "http:///a", "http://127.0.0.1:1/ü",
            "http://user:secret@127.0.0.1:1/", "http://127.0.0.1:1/ a", "http://127.0.0.1:99999/",
        ] {
            await check { $0.url = url }
        }
        await check { $0.method = "" }
        await check { $0.method = "GET /x HTTP/1.1" }
    }

    func testUsesNoProxyOfTheEnvironment() async throws {
        setenv("http_proxy", "http://127.0.0.1:1", 1)
        defer { unsetenv("http_proxy") }
        try await withServer { server in
            let answer = try await HTTPClient().send(server.request("GET", ""))
            XCTAssertEqual(answer.status, 200)
        }
    }

    func testLimitsTheAnswer() async throws {
        var limits = HTTPClientLimits()
        limits.responseBytesMax = 1000
        limits.responseHeaderBytesMax = 2000
        let client = try HTTPClient(limits: limits)
        let handler = HTTPHandler.answering { request in
            let count = Int(request.path.dropFirst()) ?? 0
            return HTTPResponse(status: 200, body: [UInt8](repeating: 0x61, count: count))
        }
        try await withServer({ _ in }, handler) { server in
            let answer = try await client.send(server.request("GET", "1000"))
            XCTAssertEqual(answer.body.count, 1000)
            await checkUnknownOutcome(client, "http://127.0.0.1:\(server.port)/1001")
            await checkUnknownOutcome(client, "http://127.0.0.1:\(server.port)/1000000")
        }
        let verbose = try ScriptedServer { connection, _ in
            _ = connection.requestHead()
            connection.sendAnswer("200 OK", String(repeating: "X: y\r\n", count: 500))
        }
        await checkUnknownOutcome(client, verbose.url)
    }

    func testKeepsTrailersAndInterimAnswersOutOfTheHeaders() async throws {
        let server = try ScriptedServer { connection, _ in
            _ = connection.requestHead()
            connection.send("HTTP/1.1 103 Early Hints\r\nX: early\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: final\r\n\r\n")
            connection.send("2\r\nab\r\n0\r\nX: trailer\r\n\r\n")
        }
        let request = HTTPClientRequest(method: "GET", url: server.url)
        let answer = try await HTTPClient().send(request)
        XCTAssertEqual(answer.status, 200)
        XCTAssertEqual(answer.headers.values("X"), ["final"])
        XCTAssertEqual(answer.body, Array("ab".utf8))
    }

    func testPerformsManyRequestsOverFewConnections() async throws {
        let journal = Journal()
        let server = try ScriptedServer { connection, number in
            journal.add("connection \(number)")
            while let head = connection.requestHead() {
                connection.sendAnswer(body: String(head.split(separator: " ")[1]))
            }
        }
        let client = try HTTPClient()
        let url = server.url
        await withTaskGroup { group in
            for number in 1...2000 {
                group.addTask {
                    let request = HTTPClientRequest(method: "GET", url: "\(url)\(number)")
                    let answer = try? await client.send(request)
                    XCTAssertEqual(answer?.body, Array("/\(number)".utf8))
                }
            }
        }
        XCTAssertLessThanOrEqual(journal.all.count, 8)
    }

    func testASlowHostDoesNotHoldUpAnother() async throws {
        let silent = try ScriptedServer { connection, _ in _ = connection.rest() }
        let client = try HTTPClient()
        try await withServer { server in
            await withTaskGroup { group in
                for _ in 1...100 { group.addTask { await checkCancelled(client, silent.url) } }
                for _ in 1...50 {
                    let answer = try? await client.send(server.request("GET", ""))
                    XCTAssertEqual(answer?.status, 200)
                }
                group.cancelAll()
            }
        }
    }

    func testManySlowHostsTogetherDoNotHoldUpAnother() async throws {
        var limits = HTTPClientLimits()
        limits.connectionsMax = 64
        let client = try HTTPClient(limits: limits)
        let silent = try (1...8).map { _ in try SilentServer() }
        try await withServer { server in
            await withTaskGroup { group in
                for host in silent {
                    for _ in 1...10 { group.addTask { await checkCancelled(client, host.url) } }
                }
                _ = try? await blocking {
                    for host in silent { for _ in 1...5 { XCTAssert(host.journal.waitForNext()) } }
                }
                let answer = try? await client.send(server.request("GET", "", timeout: .seconds(5)))
                XCTAssertEqual(answer?.status, 200)
                group.cancelAll()
            }
        }
    }
}
