import Synchronization

/// Sends the answer to one request. A second answer, or one after the time-out, is dropped.
public struct HTTPReply: Sendable {
    let connection: UInt64
    let exchange: UInt64
    let inbox: EventLoopInbox

    /// Sends the answer. Called once, from any thread.
    public func send(_ response: HTTPResponse) {
        inbox.post(HandlerResponse(connection: connection, exchange: exchange, response: response))
    }
}

/// A request that a task hands to the handler.
struct Exchange: Sendable {
    let request: HTTPRequest
    let reply: HTTPReply
    let cancellation: HandlerCancellation

    func perform(_ handler: HTTPHandler) async {
        let response = await withUnsafeCurrentTask { task in
            cancellation.handlerBegan(task)
            defer { cancellation.handlerEnded() }
            return await handler.respond(request)
        }
        reply.send(response)
    }
}

/// A handler's response, addressed to the exchange that asked for it: the connection may be gone
/// or may have been answered at the deadline.
struct HandlerResponse: Sendable {
    let connection: UInt64
    let exchange: UInt64
    let response: HTTPResponse
}

/// Lets the event loop cancel one handler's task, without a timer task for every request.
///
/// A task reference is valid only while its task runs; the lock ensures that.
final class HandlerCancellation: Sendable {
    private struct RunningTask: @unchecked Sendable {
        var task: UnsafeCurrentTask?
        var isCancelled = false
    }

    private let state = Mutex(RunningTask())

    fileprivate func handlerBegan(_ task: UnsafeCurrentTask?) {
        let began = RunningTask(task: task)
        state.withLock { state in
            state.task = began.task
            if state.isCancelled { state.task?.cancel() }
        }
    }

    fileprivate func handlerEnded() {
        state.withLock { $0.task = nil }
    }

    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            state.task?.cancel()
        }
    }
}
