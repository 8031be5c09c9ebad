import HTTP
import XCTest

extension HTTPServer {
    func request(
        _ method: String, _ path: String, _ headers: HTTPHeaders = [:], _ body: String = "",
        timeout: Duration = .seconds(30)
    ) -> HTTPClientRequest {
        HTTPClientRequest(
            method: method, url: "http://127.0.0.1:\(port)/\(path)", headers: headers,
            body: Array(body.utf8), timeout: timeout)
    }
}

private func failure(
    _ client: HTTPClient, _ url: String, method: String = "POST", timeout: Duration = .seconds(30)
) async -> HTTPClientError? {
    let request = HTTPClientRequest(
        method: method, url: url, body: method == "POST" ? [0x61] : [],
        timeout: timeout)
    do throws(HTTPClientError) {
        _ = try await client.send(request)
        return nil
    } catch {
        return error
    }
}

func checkNotSent(
    _ client: HTTPClient, _ url: String, timeout: Duration = .seconds(30), line: UInt = #line
) async {
    let error = await failure(client, url, timeout: timeout)
    guard case .notSent = error else {
        return XCTFail("\(String(describing: error))", line: line)
    }
}

func checkNotBegun(_ client: HTTPClient, _ url: String, line: UInt = #line) async {
    let error = await failure(client, url)
    guard case .notBegun = error else {
        return XCTFail("\(String(describing: error))", line: line)
    }
}

func checkUnknownOutcome(
    _ client: HTTPClient, _ url: String, method: String = "POST", timeout: Duration = .seconds(30),
    label: String = "", line: UInt = #line
) async {
    let error = await failure(client, url, method: method, timeout: timeout)
    guard case .unknownOutcome = error else {
        return XCTFail("\(String(describing: error)) \(label.debugDescription)", line: line)
    }
}

func checkCancelled(_ client: HTTPClient, _ url: String, line: UInt = #line) async {
    let error = await failure(client, url)
    XCTAssertEqual(error, .cancelled, line: line)
}
