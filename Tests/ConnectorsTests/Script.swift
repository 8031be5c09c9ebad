import HTTP
import JSON
import Models
import Synchronization
import XCTest

@testable import Connectors

/// A vendor by script: answers each request by a function of it and of how many came before, and
/// remembers them.
final class Script: Sendable {
    typealias Step = @Sendable (HTTPClientRequest, Int) -> Result<HTTPResponse, HTTPClientError>

    private let seen = Mutex<[HTTPClientRequest]>([])
    private let step: Step

    init(_ step: @escaping Step) { self.step = step }

    /// One answer after the other; a request too many is not answered.
    convenience init(_ answers: [Result<HTTPResponse, HTTPClientError>]) {
        self.init { _, index in
            index < answers.count
                ? answers[index] : .failure(.notSent(reason: "the script has ended"))
        }
    }

    var requests: [HTTPClientRequest] { seen.withLock { $0 } }

    /// `GET /path?query`, without the server.
    var lines: [String] {
        requests.map { request in
            let parts = request.url.split(
                separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
            return "\(request.method) /\(parts.last ?? "")"
        }
    }

    var send: Send {
        { (request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPResponse in
            let index = self.seen.withLock { requests in
                requests.append(request)
                return requests.count - 1
            }
            return try self.step(request, index).get()
        }
    }
}

extension Result where Success == HTTPResponse, Failure == HTTPClientError {
    static func answer(_ status: Int, _ body: String = "", _ headers: HTTPHeaders = [:]) -> Self {
        .success(HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
    }

    static func json(_ status: Int, _ body: JSON, _ headers: HTTPHeaders = [:]) -> Self {
        .success(HTTPResponse(status: status, headers: headers, body: body.bytes))
    }
}

extension HTTPClientRequest {
    var json: JSON? { try? JSON(parsing: body) }
}

extension XCTestCase {
    /// The failure of a call that must not succeed.
    func failure<Value>(
        line: UInt = #line, of call: () async throws(Failure) -> Value
    ) async -> Failure? {
        do {
            let value = try await call()
            XCTFail("succeeded: \(value)", line: line)
            return nil
        } catch {
            return error
        }
    }
}

/// The disposition without its cause, for tables.
enum Disposition: Equatable {
    case retry
    /// Seconds.
    case wait(Double)
    case stop
    case interrupted

    init?(_ failure: Failure?) {
        switch failure {
        case .retryable: self = .retry
        case .throttled(_, let retryAfter): self = .wait(retryAfter / .seconds(1))
        case .permanent: self = .stop
        case .interrupted: self = .interrupted
        case nil: return nil
        }
    }
}

extension Disposition {
    /// The disposition of the call's failure; nil if it succeeds.
    static func of<Value>(_ call: () async throws(Failure) -> Value) async -> Disposition? {
        do {
            _ = try await call()
            return nil
        } catch {
            return Disposition(error)
        }
    }
}
