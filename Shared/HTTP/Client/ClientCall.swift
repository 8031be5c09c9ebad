/// One request from `send` to its answer, shared by the caller's task and the client's thread.
final class ClientCall: Sendable {
    typealias Outcome = Result<HTTPResponse, HTTPClientError>

    let id: UInt64
    let request: HTTPClientRequest
    /// Calls with the same key go to the same server and share its connections.
    let host: String
    /// The time of arrival in monotonic nanoseconds.
    let arrivedAt = monotonicNanoseconds()
    private let continuation: CheckedContinuation<Outcome, Never>

    init(
        id: UInt64, request: HTTPClientRequest, host: String,
        continuation: CheckedContinuation<Outcome, Never>
    ) {
        self.id = id
        self.request = request
        self.host = host
        self.continuation = continuation
    }

    /// Ends the call; called exactly once.
    func end(_ outcome: Outcome) {
        continuation.resume(returning: outcome)
    }
}
