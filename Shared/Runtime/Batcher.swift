import Synchronization

/// Many callers, one call: what is asked for while a call is under way goes together in the next
/// one. Whoever comes alone is served at once.
///
/// There is no loop behind it: of those who wait, the one that came first makes the call for all.
public final class Batcher<Request: Sendable, Answer: Sendable>: Sendable {
    /// Answers stand in the order of the requests, one for each.
    public typealias Call = @Sendable ([Request]) async -> [Answer]

    private enum Turn {
        case answered(Answer?)
        /// It is this one's turn to make the call.
        case lead
    }

    private typealias Waiting = (request: Request, continuation: CheckedContinuation<Turn, Never>)

    private struct State {
        var waiting: [Waiting] = []
        var isBusy = false
    }

    private let state = Mutex(State())
    private let requestsMax: Int
    private let call: Call

    /// - Parameter requestsMax: of one call.
    public init(requestsMax: Int, _ call: @escaping Call) {
        self.requestsMax = requestsMax
        self.call = call
    }

    /// Requests that wait for the next call.
    public var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// - Returns: `nil` if the call gave no answer to this request.
    public func callAsFunction(_ request: Request) async -> Answer? {
        switch await turn(of: request) {
        case .answered(let answer): answer
        case .lead: await lead()
        }
    }

    private func turn(of request: Request) async -> Turn {
        await withCheckedContinuation { continuation in
            let mayLead = state.withLock { state in
                state.waiting.append((request, continuation))
                defer { state.isBusy = true }
                return !state.isBusy
            }
            if mayLead { continuation.resume(returning: .lead) }
        }
    }

    /// Makes the call for all who wait, and hands the lead to the first who is left. Whoever leads
    /// stands first.
    private func lead() async -> Answer? {
        let batch = state.withLock { state in
            let batch = Array(state.waiting.prefix(requestsMax))
            state.waiting.removeFirst(batch.count)
            return batch
        }
        let answers = await call(batch.map(\.request))
        for (place, waiting) in batch.enumerated().dropFirst() {
            let answer = answers.indices.contains(place) ? answers[place] : nil
            waiting.continuation.resume(returning: .answered(answer))
        }
        let next = state.withLock { state in
            state.isBusy = !state.waiting.isEmpty
            return state.waiting.first
        }
        next?.continuation.resume(returning: .lead)
        return answers.first
    }
}
