import HTTP
import XCTest

/// Opening the port, draining and stopping.
final class ServerLifeTests: XCTestCase {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    func testSaysWhyAPortCannotBeOpened() throws {
        let first = try HTTPServer(host: "127.0.0.1", port: 0, handler: .echo)
        for (host, port, expected) in [
            ("127.0.0.1", first.port, HTTPServerError.addressUnavailable(errno: EADDRINUSE)),
            ("203.0.113.7", 0, .addressUnavailable(errno: EADDRNOTAVAIL)),
            ("no such host", 0, .hostUnknown("no such host")),
        ] {
            XCTAssertThrowsError(try HTTPServer(host: host, port: port, handler: .echo)) { error in
                XCTAssertEqual(error as? HTTPServerError, expected)
            }
        }
    }

    func testErrorsAreDescribedInWords() {
        let rows: [(any Error, String)] = [
            (HTTPServerError.hostUnknown("x"), "the host x is no address of this machine"),
            (
                HTTPServerError.addressUnavailable(errno: EADDRINUSE),
                "the port cannot be opened: Address already in use"
            ),
            (
                HTTPServerError.descriptorsExhausted(errno: EMFILE),
                "the process cannot open another file or socket: Too many open files"
            ),
            (HTTPClientError.notSent(reason: "no route"), "the request was not sent: no route"),
            (HTTPClientError.cancelled, "the request was cancelled"),
        ]
        for (error, expected) in rows { XCTAssertEqual("\(error)", expected) }
    }

    func testFreesThePortOfAServerThatNeverRan() throws {
        let port = try HTTPServer(host: "127.0.0.1", port: 0, handler: .echo).port
        XCTAssertNoThrow(try HTTPServer(host: "127.0.0.1", port: port, handler: .echo))
    }

    func testEndsAtOnceWhenStoppedBeforeItRuns() async throws {
        let server = try HTTPServer(host: "127.0.0.1", port: 0, handler: .echo)
        server.stop()
        server.stop()
        await server.run()
        XCTAssertNil(RawConnection(port: server.port))
        await server.run()
    }

    func testFinishesTheRequestInFlight() async throws {
        let gate = Gate()
        let journal = Journal()
        let handler = HTTPHandler.answering { _ in
            journal.add("handling")
            await gate.wait()
            return HTTPResponse(status: 202)
        }
        try await withRawServer({ _ in }, handler) { server in
            let client = try server.connect()
            client.send(Self.get + "GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
            XCTAssert(journal.waitForNext())
            let idle = try server.connect()
            server.stop()
            XCTAssertEqual(idle.rest().ending, .closed)
            XCTAssertNil(RawConnection(port: server.port), "the listener is closed first")
            gate.open()
            let answer = try XCTUnwrap(client.answer())
            XCTAssertEqual(answer.status, 202)
            XCTAssertEqual(answer.header("Connection"), "close")
            XCTAssertEqual(client.rest().text, "")
        }
        XCTAssertEqual(journal.all, ["handling"])
    }

    func testFinishesTheRequestThatHasBegun() async throws {
        try await withRawServer { server in
            let head = try server.connect()
            head.send("GET / HT")
            let body = try server.connect()
            body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
            // Answered after the bytes above, so those are on the server's side.
            let last = try server.connect()
            last.send(Self.get)
            XCTAssertEqual(last.answer()?.status, 200)
            server.stop()
            XCTAssertEqual(last.rest().ending, .closed)
            head.send("TP/1.1\r\nHost: a\r\n\r\n")
            body.send("bc")
            for client in [head, body] {
                let answer = try XCTUnwrap(client.answer())
                XCTAssertEqual(answer.status, 200)
                XCTAssertEqual(answer.header("Connection"), "close")
            }
        }
    }

    func testCancellingAnswersForHandlersThatGoOn() async throws {
        let gate = Gate()
        let journal = Journal()
        let handler = HTTPHandler.answering { _ in
            journal.add("handling")
            await gate.wait()
            journal.add("cancelled: \(Task.isCancelled)")
            return HTTPResponse(status: 200)
        }
        var limits = HTTPServerLimits()
        limits.lingerMax = .milliseconds(50)
        let server = try HTTPServer(host: "127.0.0.1", port: 0, limits: limits, handler: handler)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            let client = try await blocking {
                let client = try server.connect()
                client.send(Self.get)
                XCTAssert(journal.waitForNext())
                return client
            }
            group.cancelAll()
            let answer = try await blocking { client.answer() }
            XCTAssertEqual(answer?.status, 503)
            XCTAssertEqual(answer?.header("Connection"), "close")
            gate.open()
            try await group.waitForAll()
        }
        XCTAssertEqual(journal.all, ["handling", "cancelled: true"])
    }
}
