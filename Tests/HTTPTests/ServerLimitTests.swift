import HTTP
import XCTest

/// Limits on what a client can make the server hold. Deadlines are set small and observed by the
/// connection's end; nothing here measures time.
final class ServerLimitTests: XCTestCase {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    func testEndsASlowHead() async throws {
        try await withRawServer({ $0.headTimeout = .milliseconds(100) }) { server in
            let client = try server.connect()
            let drip = "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 60)
            client.send("GET")
            XCTAssert(client.dripsUntilAnswered(drip.utf8.dropFirst(3)))
            XCTAssertEqual(client.answer()?.status, 408)
        }
    }

    func testEndsASlowHeadOfALaterRequest() async throws {
        try await withRawServer({ $0.headTimeout = .milliseconds(100) }) { server in
            let client = try server.connect()
            client.send(Self.get)
            XCTAssertEqual(client.answer()?.status, 200)
            let drip = "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 60)
            XCTAssert(client.dripsUntilAnswered(drip.utf8))
            XCTAssertEqual(client.answer()?.status, 408)
        }
    }

    func testEndsASlowBody() async throws {
        try await withRawServer({ $0.bodyTimeout = .milliseconds(100) }) { server in
            for framing in ["Content-Length: 4000", "Transfer-Encoding: chunked"] {
                let client = try server.connect()
                client.send("POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
                client.send("fa0\r\n")
                XCTAssert(client.dripsUntilAnswered(repeatElement(0x61, count: 3900)))
                XCTAssertEqual(client.answer()?.status, 408)
            }
        }
    }

    func testEndsASlowReader() async throws {
        let large = HTTPResponse(status: 200, body: [UInt8](repeating: 0x61, count: 16 << 20))
        let change = { (limits: inout HTTPServerLimits) in
            limits.responseTimeout = .milliseconds(100)
        }
        try await withRawServer(change, .answering { _ in large }) { server in
            let client = try server.connect(receiveBufferBytes: 4096)
            client.send(Self.get)
            XCTAssertEqual(client.sipsUntilEnded(bytesMax: 4000), .reset)
        }
    }

    func testEndsIdleConnections() async throws {
        let change = { (limits: inout HTTPServerLimits) in
            limits.idleTimeout = .milliseconds(50)
            limits.headTimeout = .milliseconds(50)
        }
        try await withRawServer(change) { server in
            let silent = try server.connect()
            XCTAssertEqual(silent.rest().ending, .closed)
            let idle = try server.connect()
            idle.send(Self.get)
            XCTAssertEqual(idle.answer()?.status, 200)
            XCTAssertEqual(idle.rest().ending, .closed)
        }
    }

    func testEndsLingeringConnections() async throws {
        try await withRawServer({ $0.lingerMax = .milliseconds(50) }) { server in
            let client = try server.connect()
            client.send("GET / HTTP/1.1\r\n\r\n")
            XCTAssertEqual(client.answer()?.status, 400)
            XCTAssertEqual(client.rest().ending, .closed)
            while client.send("x") {}
        }
    }

    func testAClientThatSendsOnAfterTheRefusalStillReadsIt() async throws {
        try await withRawServer({ _ in }, .taking(bodyBytesMax: 1000)) { server in
            for length in [2000, 300 << 10, 8 << 20] {
                let client = try server.connect()
                let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n"
                let whole = Array(head.utf8) + [UInt8](repeating: 0x20, count: length)
                XCTAssertTrue(client.send(whole), "\(length)")
                XCTAssertEqual(client.answer()?.status, 413, "\(length)")
            }
        }
    }

    func testAnswersForAHandlerThatTakesTooLong() async throws {
        let journal = Journal()
        let handler = HTTPHandler.answering { _ in
            let gate = Gate()
            await withTaskCancellationHandler {
                await gate.wait()
            } onCancel: {
                gate.open()
            }
            journal.add("cancelled")
            return HTTPResponse(status: 200)
        }
        try await withRawServer({ $0.handlerTimeout = .milliseconds(50) }, handler) { server in
            let client = try server.connect()
            client.send(Self.get)
            let answer = try XCTUnwrap(client.answer())
            XCTAssertEqual(answer.status, 503)
            XCTAssertEqual(answer.header("Retry-After"), "1")
            XCTAssertEqual(client.rest().text, "")
            XCTAssert(journal.waitForNext())
        }
        XCTAssertEqual(journal.all, ["cancelled"])
    }

    func testRefusesRequestsOverTheNumberInFlight() async throws {
        let gate = Gate()
        let journal = Journal()
        let handler = HTTPHandler.answering { request in
            journal.add(request.path)
            await gate.wait()
            return HTTPResponse(status: 200)
        }
        try await withRawServer({ $0.requestsInFlightMax = 1 }, handler) { server in
            defer { gate.open() }
            let first = try server.connect()
            first.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            XCTAssert(journal.waitForNext())
            let second = try server.connect()
            for _ in 1...3 {
                second.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try XCTUnwrap(second.answer())
                XCTAssertEqual(answer.status, 503)
                XCTAssertEqual(answer.header("Retry-After"), "1")
            }
            gate.open()
            XCTAssertEqual(first.answer()?.status, 200)
            second.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
            XCTAssertEqual(second.answer()?.status, 200)
        }
        XCTAssertEqual(journal.all, ["/1", "/3"])
    }

    func testRefusesConnectionsOverTheirNumber() async throws {
        try await withRawServer({ $0.connectionsMax = 2 }) { server in
            var clients = try [server.connect(), server.connect()]
            for client in clients {
                client.send(Self.get)
                XCTAssertEqual(client.answer()?.status, 200)
            }
            let third = try server.connect()
            let answer = try XCTUnwrap(third.answer())
            XCTAssertEqual(answer.status, 503)
            XCTAssertEqual(answer.header("Retry-After"), "1")
            XCTAssertEqual(third.rest().ending, .closed)
            third.finishSending()
            let leaving = clients.removeLast()
            leaving.send("GET / HTTP/1.0\r\n\r\n")
            leaving.finishSending()
            XCTAssertEqual(leaving.rest().ending, .closed)
            let fourth = try server.connect()
            fourth.send(Self.get)
            XCTAssertEqual(fourth.answer()?.status, 200)
        }
    }

    func testRefusesABodyOverTheSharedBuffer() async throws {
        try await withRawServer({ $0.bufferedBytesMax = 10_000 }) { server in
            let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n"
            let part = [UInt8](repeating: 0x61, count: 8999)
            let first = try server.connect()
            first.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n")
            first.send("Content-Length: 9000\r\n\r\n")
            XCTAssertNotNil(first.take(until: "\r\n\r\n"))
            first.send(part)
            let second = try server.connect()
            second.send(head)
            second.send(part)
            // The kernel decides which of the two goes over the limit.
            let refused = [first, second].filter { client in
                client.send("a")
                return client.answer()?.status == 503
            }
            XCTAssertEqual(refused.count, 1)
            let third = try server.connect()
            third.send(head)
            third.send(part + [0x61])
            XCTAssertEqual(third.answer()?.status, 200)
        }
    }

    func testServesOthersAfterClientsDisconnect() async throws {
        let gate = Gate()
        let journal = Journal()
        let handler = HTTPHandler.answering { request in
            journal.add(request.path)
            if request.path == "/wait" { await gate.wait() }
            return HTTPResponse(status: 200, body: [UInt8](repeating: 0x61, count: 1 << 20))
        }
        try await withRawServer({ _ in }, handler) { server in
            for _ in 1...20 {
                let client = try server.connect()
                client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
                XCTAssert(journal.waitForNext())
            }
            gate.open()
            for _ in 1...20 {
                let client = try server.connect()
                client.send(String(repeating: Self.get, count: 20))
            }
            let client = try server.connect()
            client.send(Self.get)
            XCTAssertEqual(client.answer()?.status, 200)
        }
    }
}
