import HTTP
import XCTest

/// Errors of requests that got no answer.
final class ClientOutcomeTests: XCTestCase {
    func testAFailureBeforeSendingIsNotSent() async throws {
        let client = try HTTPClient()
        let port = try HTTPServer(host: "127.0.0.1", port: 0, handler: .echo).port
        await checkNotSent(client, "http://127.0.0.1:\(port)/")
        await checkNotSent(client, "http://host.invalid/")
        let plain = try ScriptedServer { connection, _ in
            _ = connection.take(until: "\u{1}")
            connection.send("this is no TLS\r\n\r\n")
        }
        await checkNotSent(client, "https://127.0.0.1:\(plain.port)/")
    }

    func testAFailureBeforeSendingIsNotSentAlsoOnAReusedHandle() async throws {
        let client = try HTTPClient()
        let port = try await withServer { server in
            _ = try await client.send(server.request("POST", "", [:], "abc"))
            return server.port
        }
        await checkNotSent(client, "http://127.0.0.1:\(port)/")
    }

    func testAFailureAfterSendingHasAnUnknownOutcome() async throws {
        let client = try HTTPClient()
        for garbage in [
            "", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 200 OK\r\nX",
        ] {
            let server = try ScriptedServer { connection, _ in
                _ = connection.requestHead()
                connection.send(garbage)
            }
            await checkUnknownOutcome(client, server.url, label: garbage)
        }
    }

    func testARequestEndsAtItsTimeout() async throws {
        let silent = try ScriptedServer { connection, _ in _ = connection.rest() }
        await checkUnknownOutcome(try HTTPClient(), silent.url, timeout: .milliseconds(100))
        let dripping = try ScriptedServer { connection, _ in
            _ = connection.requestHead()
            connection.send("HTTP/1.1 200 OK\r\n")
            _ = connection.dripsUntilAnswered(repeatElement(UInt8(ascii: "X"), count: 5000))
        }
        await checkUnknownOutcome(try HTTPClient(), dripping.url, timeout: .milliseconds(100))
    }

    func testWaitingForAConnectionIsNoPartOfTheTimeOut() async throws {
        let (journal, answered) = (Journal(), Gate())
        let handler = HTTPHandler.answering { request in
            journal.add(request.path)
            if request.path == "/first" { await answered.wait() }
            return HTTPResponse(status: 200)
        }
        var limits = HTTPClientLimits()
        limits.connectionsPerHostMax = 1
        let (client, silent) = (try HTTPClient(limits: limits), try SilentServer())
        try await withServer({ _ in }, handler) { server in
            async let first = client.send(server.request("GET", "first"))
            try await blocking { XCTAssert(journal.waitForNext()) }
            async let second = client.send(
                server.request("GET", "second", timeout: .milliseconds(200)))
            // Lasts longer than the second may, from when it is asked for.
            await checkUnknownOutcome(client, silent.url, timeout: .milliseconds(300))
            answered.open()
            let statuses = try await [first.status, second.status]
            XCTAssertEqual(statuses, [200, 200])
        }
    }

    func testWaitingTooLongForAConnectionIsNotBeginning() async throws {
        let silent = try SilentServer()
        var limits = HTTPClientLimits()
        (limits.connectionsPerHostMax, limits.waitMax) = (1, .milliseconds(50))
        let client = try HTTPClient(limits: limits)
        await withTaskGroup { group in
            group.addTask { await checkCancelled(client, silent.url) }
            _ = try? await blocking { XCTAssert(silent.journal.waitForNext()) }
            await withTaskGroup { waiting in
                for _ in 1...20 {
                    waiting.addTask { await checkNotBegun(client, silent.url) }
                }
            }
            group.cancelAll()
        }
    }

    func testAnUrgentRequestIsSentBeforeOthers() async throws {
        let (journal, answered) = (Journal(), Gate())
        let handler = HTTPHandler.answering { request in
            journal.add(request.path)
            if request.path == "/first" { await answered.wait() }
            return HTTPResponse(status: 200)
        }
        var limits = HTTPClientLimits()
        limits.connectionsPerHostMax = 1
        let client = try HTTPClient(limits: limits)
        try await withServer({ _ in }, handler) { server in
            async let first = client.send(server.request("GET", "first"))
            try await blocking { XCTAssert(journal.waitForNext()) }
            async let second = client.send(server.request("GET", "second"))
            var urgent = server.request("GET", "urgent")
            urgent.isUrgent = true
            let status = try await client.send(urgent).status
            XCTAssertEqual(status, 200)
            answered.open()
            let statuses = try await [first.status, second.status]
            XCTAssertEqual(statuses, [200, 200])
        }
        XCTAssertEqual(journal.all, ["/first", "/urgent", "/second"])
    }

    func testAsksAtTheLastMomentWhetherItMayBegin() async throws {
        let journal = Journal()
        let handler = HTTPHandler.answering { request in
            journal.add(request.path)
            return HTTPResponse(status: 200)
        }
        try await withServer({ _ in }, handler) { server in
            let client = try HTTPClient()
            for mayBegin in [true, false, true] {
                var request = server.request("POST", "\(mayBegin)")
                request.mayBegin = { mayBegin }
                do throws(HTTPClientError) {
                    _ = try await client.send(request)
                    XCTAssertTrue(mayBegin)
                } catch {
                    XCTAssertFalse(mayBegin)
                    guard case .notBegun = error else { return XCTFail("\(error)") }
                }
            }
        }
        XCTAssertEqual(journal.all, ["/true", "/true"])
    }

    func testNeverRepeatsAnUnsafeRequestByItself() async throws {
        let journal = Journal()
        let server = try ScriptedServer { connection, _ in
            while let head = connection.requestHead() {
                journal.add(head.split(separator: "\r\n")[0].description)
                guard head.contains("/warm") else { return }
                connection.sendAnswer()
            }
        }
        for method in ["POST", "PATCH", "PUT", "DELETE"] {
            let client = try HTTPClient()
            _ = try await client.send(HTTPClientRequest(method: method, url: server.url + "warm"))
            await checkUnknownOutcome(client, server.url, method: method)
        }
        let methods = ["POST", "PATCH", "PUT", "DELETE"]
        XCTAssertEqual(
            journal.all, methods.flatMap { ["\($0) /warm HTTP/1.1", "\($0) / HTTP/1.1"] })
    }

    func testRepeatsASafeRequestOnAConnectionThatWentStale() async throws {
        let server = try ScriptedServer { connection, number in
            guard connection.requestHead() != nil else { return }
            connection.sendAnswer()
            guard connection.requestHead() != nil, number > 1 else { return }
            connection.sendAnswer()
        }
        let client = try HTTPClient()
        for _ in 1...2 {
            let request = HTTPClientRequest(method: "GET", url: server.url)
            let answer = try await client.send(request)
            XCTAssertEqual(answer.status, 200)
        }
    }

    func testCancels() async throws {
        let journal = Journal()
        let server = try ScriptedServer { connection, _ in
            _ = connection.requestHead()
            journal.add("got it")
            _ = connection.rest()
            journal.add("closed")
        }
        let client = try HTTPClient()
        await withTaskGroup { group in
            group.addTask { await checkCancelled(client, server.url) }
            _ = try? await blocking { XCTAssert(journal.waitForNext()) }
            group.cancelAll()
            // Cancelled before it begins.
            group.addTask { await checkCancelled(client, server.url) }
        }
        _ = try await blocking { XCTAssert(journal.waitForNext()) }
        XCTAssertEqual(journal.all.prefix(2), ["got it", "closed"])
    }

    func testShutdownEndsWhatIsInFlight() async throws {
        let journal = Journal()
        let server = try ScriptedServer { connection, _ in
            _ = connection.requestHead()
            journal.add("got it")
            _ = connection.rest()
        }
        let client = try HTTPClient()
        await withTaskGroup { group in
            // The most requests that may be under way to one host at once.
            for _ in 1...8 { group.addTask { await checkCancelled(client, server.url) } }
            _ = try? await blocking { for _ in 1...8 { XCTAssert(journal.waitForNext()) } }
            client.shutdown()
        }
        client.shutdown()
        await checkNotSent(client, server.url)
    }
}
