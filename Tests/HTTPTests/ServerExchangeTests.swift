import HTTP
import Synchronization
import XCTest

/// Literal requests over real sockets.
final class ServerExchangeTests: XCTestCase {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    func testAnswersAndKeepsTheConnection() async throws {
        try await withRawServer { server in
            let client = try server.connect()
            for number in 1...3 {
                client.send("POST /\(number)?q HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
                let answer = try XCTUnwrap(client.answer())
                XCTAssertEqual(answer.status, 200)
                XCTAssertEqual(answer.body, "POST /\(number)?q [abc]")
                XCTAssertEqual(answer.header("Content-Length"), "\(answer.body.utf8.count)")
                XCTAssertNil(answer.header("Connection"))
            }
        }
    }

    func testDatesAnswersInTheStandardForm() async throws {
        try await withRawServer { server in
            let client = try server.connect()
            client.send(Self.get)
            let date = try XCTUnwrap(client.answer()?.header("Date"))
            let form = #/(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w\w\w \d{4} \d\d:\d\d:\d\d GMT/#
            XCTAssertNotNil(try form.wholeMatch(in: date), date)
        }
    }

    func testAnswersPipelinedRequestsOneAfterTheOther() async throws {
        let journal = Journal()
        let handler = HTTPHandler.answering { request in
            journal.add("begin \(request.path)")
            await Task.yield()
            journal.add("end \(request.path)")
            return HTTPResponse(status: 200, body: Array(request.path.utf8))
        }
        try await withRawServer({ _ in }, handler) { server in
            let client = try server.connect()
            let paths = (1...50).map { "/\($0)" }
            client.send(paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            XCTAssertEqual(paths.map { _ in client.answer()?.body }, paths)
            XCTAssertEqual(journal.all, paths.flatMap { ["begin \($0)", "end \($0)"] })
        }
    }

    func testClosesWhenAsked() async throws {
        try await withRawServer { server in
            for request in [
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "GET / HTTP/1.0\r\n\r\n",
                "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            ] {
                let client = try server.connect()
                client.send(request)
                let answer = try XCTUnwrap(client.answer())
                XCTAssertEqual(answer.header("Connection"), "close", request)
                XCTAssertEqual(client.rest().ending, .closed, request)
            }
        }
    }

    func testAnswersAClientThatHasFinishedSending() async throws {
        try await withRawServer { server in
            let client = try server.connect()
            client.send(Self.get)
            client.finishSending()
            XCTAssertEqual(client.answer()?.status, 200)
            XCTAssertEqual(client.rest().ending, .closed)
        }
    }

    func testAnswersHeadWithoutBody() async throws {
        try await withRawServer { server in
            let client = try server.connect()
            client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
            XCTAssertEqual(client.answer(toHead: true)?.header("Content-Length"), "9")
            XCTAssertEqual(client.answer()?.body, "GET / []")
        }
    }

    func testWritesTheHandlersAnswer() async throws {
        let bodiless = HTTPResponse(status: 204, headers: ["X-Id": "7"], body: [1])
        try await check(bodiless, "204 No Content", has: "X-Id: 7", lacks: "Content-Length")
        try await check(HTTPResponse(status: 304, body: [1]), "304", lacks: "Content-Length")
        try await check(HTTPResponse(status: 299), "299 \r\n", has: "Content-Length: 0")
        let own: HTTPHeaders = ["Content-Length": "9", "Transfer-Encoding": "chunked"]
        try await check(
            HTTPResponse(status: 200, headers: own, body: [0x61]), "200", has: "Content-Length: 1",
            lacks: "chunked")
        try await check(
            HTTPResponse(status: 200, closesConnection: true), "200", has: "Connection: close")
    }

    func testWritesNoAnswerThatCouldBeTwo() async throws {
        for headers: HTTPHeaders in [
            ["X": "a\r\nY: b"], ["X\r\nY": "a"], ["X": "a\0"], ["X": "a\u{7f}"], ["": "a"],
            ["X Y": "a"], ["X": "a\nb"],
        ] {
            try await check(
                HTTPResponse(status: 200, headers: headers), "500", has: "Content-Length",
                lacks: "Y: b")
        }
        for status in [-1, 0, 100, 101, 199, 600, 1000] {
            try await check(HTTPResponse(status: status), "500", has: "Content-Length")
        }
    }

    func testContinuesOnlyWhatWasAdmitted() async throws {
        let handler = HTTPHandler(
            admit: { head in
                head.path == "/no"
                    ? .refuse(.problem(status: 404, detail: "no"))
                    : .accept(bodyBytesMax: 10)
            },
            respond: { HTTPResponse(status: 200, body: Array(summary($0).utf8)) })
        @Sendable func head(_ path: String, _ length: Int) -> String {
            "POST \(path) HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
                + "Content-Length: \(length)\r\n\r\n"
        }
        try await withRawServer({ _ in }, handler) { server in
            let client = try server.connect()
            for _ in 1...2 {
                client.send(head("/yes", 3))
                XCTAssertEqual(client.take(until: "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n")
                client.send("abc")
                XCTAssertEqual(client.answer()?.body, "POST /yes [abc]")
            }
            client.send(head("/yes", 3) + "abc")
            XCTAssertEqual(client.answer()?.status, 200, "the body was there, so nothing is due")
            client.send(head("/yes", 11))
            XCTAssertEqual(client.answer()?.status, 413)
            let refused = try server.connect()
            refused.send(head("/no", 3))
            XCTAssertEqual(refused.answer()?.status, 404)
        }
    }

    func testALoopHandlerAnswersNowOrLater() async throws {
        let waiting = Mutex<[HTTPReply]>([])
        let journal = Journal()
        let handler = HTTPHandler(
            admit: { head in
                if head.path == "/task" { return .accept(bodyBytesMax: 9) }
                return .acceptOnLoop(bodyBytesMax: 9) { request, reply in
                    if head.path == "/now" {
                        return reply.send(
                            HTTPResponse(status: 202, body: Array(summary(request).utf8)))
                    }
                    waiting.withLock { $0.append(reply) }
                    journal.add(head.path)
                }
            },
            respond: { HTTPResponse(status: 200, body: Array(summary($0).utf8)) })
        @Sendable func post(_ path: String) -> String {
            "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
        }
        try await withRawServer({ _ in }, handler) { server in
            let client = try server.connect()
            client.send(post("/now") + post("/task") + post("/later"))
            XCTAssertEqual(client.answer()?.body, "POST /now [x]")
            XCTAssertEqual(client.answer()?.body, "POST /task [x]")
            XCTAssert(journal.waitForNext())
            let other = try server.connect()
            other.send(post("/now"))
            XCTAssertEqual(other.answer()?.status, 202, "one request waited for another")
            for reply in waiting.withLock({ $0 }) { reply.send(HTTPResponse(status: 204)) }
            XCTAssertEqual(client.answer()?.status, 204)
        }
    }

    func testARequestWhoseLoopHandlerNeverAnswersGets503() async throws {
        let late = Mutex<HTTPReply?>(nil)
        let handler = HTTPHandler(
            admit: { _ in
                .acceptOnLoop(bodyBytesMax: 9) { _, reply in late.withLock { $0 = reply } }
            },
            respond: { _ in HTTPResponse(status: 500) })
        try await withRawServer({ $0.handlerTimeout = .milliseconds(50) }, handler) { server in
            let client = try server.connect()
            client.send(Self.get)
            XCTAssertEqual(client.answer()?.status, 503)
            late.withLock { $0 }?.send(HTTPResponse(status: 200))
            XCTAssertEqual(client.rest().text, "")
        }
    }

    func testTakesChunkedBodies() async throws {
        try await withRawServer { server in
            let client = try server.connect()
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for chunk in ["3\r\nabc\r\n", "1", "\r", "\nd\r", "\n0\r\n", "\r\n"] {
                client.send(chunk)
            }
            XCTAssertEqual(client.answer()?.body, "POST / [abcd]")
            client.send(Self.get)
            XCTAssertEqual(client.answer()?.body, "GET / []")
        }
    }

    func testTakesLargeBodiesAndGivesLargeAnswers() async throws {
        let body = (0..<900_000).map { UInt8(truncatingIfNeeded: 0x61 + $0 % 26) }
        let handler = HTTPHandler.answering { HTTPResponse(status: 200, body: $0.body) }
        try await withRawServer({ _ in }, handler) { server in
            let client = try server.connect()
            for _ in 1...2 {
                client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
                client.send(body)
                XCTAssertEqual(client.answer()?.body, String(decoding: body, as: UTF8.self))
            }
        }
    }

    func testRefusesAndCloses() async throws {
        let head = "POST / HTTP/1.1\r\nHost: a\r\n"
        try await refuses("\(head)Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc", 400)
        try await refuses("\(head)Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", 400)
        try await refuses("\(head)Transfer-Encoding: gzip\r\n\r\nabc", 501)
        try await refuses("\(head)Content-Length : 3\r\n\r\nabc", 400)
        try await refuses("\(head)X: a\r\n b\r\n\r\n", 400)
        try await refuses("POST / HTTP/1.1\nHost: a\n\n", 400)
        try await refuses("GET / HTTP/1.1\r\n\r\n", 400)
        try await refuses("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505)
        try await refuses("\(head)Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 415)
        try await refuses("\(head)Content-Length: 10737418240\r\n\r\nabc", 413)
        try await refuses("\(head)Transfer-Encoding: chunked\r\n\r\n200001\r\nabc", 413)
        try await refuses("\u{16}\u{3}\u{1}\u{2}\0\u{1}\n", 400)
    }

    func testAClientThatKeepsSendingStillReadsTheRefusal() async throws {
        try await withRawServer({ _ in }, .taking(bodyBytesMax: 10)) { server in
            let client = try server.connect()
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
            client.send([UInt8](repeating: 0x61, count: 200_000))
            client.finishSending()
            XCTAssertEqual(client.answer()?.status, 413)
            XCTAssertEqual(client.rest().ending, .closed)
        }
    }

    func testServesManyConnectionsAtOnce() async throws {
        try await withRawServer { server in
            let clients = try (1...200).map { _ in try server.connect() }
            for round in 1...5 {
                for (number, client) in clients.enumerated() {
                    client.send("GET /\(number)/\(round) HTTP/1.1\r\nHost: a\r\n\r\n")
                }
                for (number, client) in clients.enumerated() {
                    XCTAssertEqual(client.answer()?.body, "GET /\(number)/\(round) []")
                }
            }
        }
    }

    /// The bytes are refused with a problem document, the connection ends, and neither they nor a
    /// request that follows them reach the handler.
    private func refuses(_ bytes: String, _ status: Int, line: UInt = #line) async throws {
        let journal = Journal()
        let handler = HTTPHandler.answering { request in
            journal.add(request.path)
            return HTTPResponse(status: 200)
        }
        try await withRawServer({ _ in }, handler) { server in
            let client = try server.connect()
            client.send(bytes + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try XCTUnwrap(client.answer())
            XCTAssertEqual(answer.status, status, line: line)
            XCTAssertEqual(answer.header("Content-Type"), "application/problem+json", line: line)
            XCTAssertEqual(answer.header("Connection"), "close", line: line)
            XCTAssert(answer.body.contains(#""status":\#(status),"#), answer.body, line: line)
            client.finishSending()
            let rest = client.rest()
            XCTAssertEqual(rest.text, "", line: line)
            XCTAssertEqual(rest.ending, .closed, line: line)
        }
        XCTAssertEqual(journal.all, [], line: line)
    }

    /// The head of the handler's answer as a client sees it.
    private func check(
        _ response: HTTPResponse, _ start: String, has field: String? = nil,
        lacks other: String? = nil, line: UInt = #line
    ) async throws {
        try await withRawServer({ _ in }, .answering { _ in response }) { server in
            let client = try server.connect()
            client.send(Self.get)
            let head = try XCTUnwrap(client.take(until: "\r\n\r\n"))
            XCTAssert(head.hasPrefix("HTTP/1.1 \(start)"), head, line: line)
            if let field { XCTAssert(head.contains(field), head, line: line) }
            if let other { XCTAssertFalse(head.contains(other), head, line: line) }
        }
    }
}
