import Dispatch
import HTTP
import Synchronization
import XCTest

/// Runs a server on a free port around `body`, drains it and waits for its end.
func withServer<Result: Sendable>(
    _ change: (inout HTTPServerLimits) -> Void = { _ in },
    _ handler: HTTPHandler = .echo,
    _ body: @Sendable @escaping (HTTPServer) async throws -> Result
) async throws -> Result {
    var limits = HTTPServerLimits()
    change(&limits)
    let server = try HTTPServer(host: "127.0.0.1", port: 0, limits: limits, handler: handler)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            await server.run()
            return nil
        }
        group.addTask {
            defer { server.stop() }
            return try await body(server)
        }
        var result: Result?
        for try await ended in group { result = ended ?? result }
        return try XCTUnwrap(result)
    }
}

/// Blocking socket calls happen off the cooperative pool: they would starve the handlers.
func blocking<Result: Sendable>(
    _ body: @Sendable @escaping () throws -> Result
) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "blocking").async { continuation.resume(with: .init(catching: body)) }
    }
}

/// Does the same as `withServer` for a body of blocking calls.
func withRawServer<Result: Sendable>(
    _ change: (inout HTTPServerLimits) -> Void = { _ in },
    _ handler: HTTPHandler = .echo,
    _ body: @Sendable @escaping (HTTPServer) throws -> Result
) async throws -> Result {
    try await withServer(change, handler) { server in
        try await blocking { try body(server) }
    }
}

extension HTTPServer {
    func connect(receiveBufferBytes: Int32? = nil) throws -> RawConnection {
        try XCTUnwrap(RawConnection(port: port, receiveBufferBytes: receiveBufferBytes))
    }
}

extension HTTPHandler {
    /// Answers with the method, target and body of the request.
    static let echo = HTTPHandler.taking(bodyBytesMax: 1 << 20)

    static func taking(bodyBytesMax: Int) -> HTTPHandler {
        HTTPHandler(
            admit: { _ in .accept(bodyBytesMax: bodyBytesMax) },
            respond: { HTTPResponse(status: 200, body: Array(summary($0).utf8)) })
    }

    static func answering(
        _ respond: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) -> HTTPHandler {
        HTTPHandler(admit: { _ in .accept(bodyBytesMax: 1 << 20) }, respond: respond)
    }
}

func summary(_ request: HTTPRequest) -> String {
    let query = request.query.map { "?" + $0 } ?? ""
    let body = String(decoding: request.body, as: UTF8.self)
    return "\(request.method) \(request.path)\(query) [\(body)]"
}

/// Holds everyone who waits until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// Events that a test waits for instead of sleeping.
final class Journal: Sendable {
    private let entries = Mutex<[String]>([])
    private let added = DispatchSemaphore(value: 0)

    var all: [String] { entries.withLock { $0 } }

    func add(_ entry: String) {
        entries.withLock { $0.append(entry) }
        added.signal()
    }

    /// Blocks until one more entry than before has come; whether it did.
    func waitForNext() -> Bool {
        added.wait(timeout: .now() + .seconds(RawConnection.watchdogSeconds)) == .success
    }
}
