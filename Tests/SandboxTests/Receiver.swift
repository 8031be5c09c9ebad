import HTTP

/// An endpoint of webhooks: answers what the test says and passes on what came.
struct Receiver: Sendable {
    let url: String
    let received: AsyncStream<HTTPRequest>

    static func running<Value: Sendable>(
        answering answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse,
        _ body: (Receiver) async throws -> Value
    ) async throws -> Value {
        let (stream, continuation) = AsyncStream<HTTPRequest>.makeStream()
        let handler = HTTPHandler { request in
            continuation.yield(request)
            return answer(request)
        }
        let server = try HTTPServer(host: "127.0.0.1", port: 0, handler: handler)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            defer { server.stop() }
            return try await body(
                Receiver(url: "http://127.0.0.1:\(server.port)", received: stream))
        }
    }
}
