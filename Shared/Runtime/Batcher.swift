import Dispatch
import Synchronization

/// Joins the requests of many callers: requests that arrive while a call is under way travel
/// together in the next one. A request that arrives alone is sent at once.
///
/// No task of its own stands behind it: the caller whose request is the oldest makes the call for
/// all. ``BatchQueue`` decides which requests those are.
public final class Batcher<Request: Sendable, Answer: Sendable>: Sendable {
    /// Makes one call. The answers stand in the order of the requests, one for each.
    public typealias Call = @Sendable ([Request]) async -> [Answer]

    /// The reason why a caller goes on.
    private enum Resumption {
        case answered(Answer?)
        /// The caller has to make the next call.
        case leads
    }

    private typealias Waiting = (
        request: Request, continuation: CheckedContinuation<Resumption, Never>
    )

    private let queue: Mutex<BatchQueue<Waiting>>
    private let policy: BatchPolicy<Request>
    private let call: Call

    public init(_ policy: BatchPolicy<Request>, _ call: @escaping Call) {
        let limits = BatchLimits(
            sizeMax: BatchSize(count: policy.requestsMax), gatherMax: policy.gatherMax)
        queue = Mutex(BatchQueue(limits: limits))
        self.policy = policy
        self.call = call
    }

    public convenience init(requestsMax: Int, _ call: @escaping Call) {
        self.init(BatchPolicy(requestsMax: requestsMax), call)
    }

    /// Announces a request. Calls that have not begun wait for it, up to the policy's `gatherMax`.
    public func announce() -> BatchAnnouncement { queue.withLock { $0.announce() } }

    /// Takes an announcement back. Does nothing after the request has arrived.
    public func withdraw(_ announcement: BatchAnnouncement) {
        change { $0.withdraw(announcement, at: .now) }
    }

    /// Returns the answer to `request`, or nil if the call gave none.
    public func callAsFunction(
        _ request: Request, announcedAs announcement: BatchAnnouncement? = nil
    ) async -> Answer? {
        let resumption = await withCheckedContinuation { continuation in
            change { [policy] queue in
                queue.add(
                    (request, continuation), group: policy.group?(request),
                    identity: policy.identity?(request), announcement: announcement, at: .now)
            }
        }
        return switch resumption {
        case .answered(let answer): answer
        case .leads: await lead()
        }
    }

    /// Makes the call for a batch, whose oldest request is this caller's.
    private func lead() async -> Answer? {
        let (batch, size) = takeBatch()
        var order = Array(batch.indices)
        if let precedes = policy.precedes {
            order.sort { precedes(batch[$0].request, batch[$1].request) }
        }
        let answers = await call(order.map { batch[$0].request })
        var own: Answer?
        for (place, index) in order.enumerated() {
            let answer = answers.indices.contains(place) ? answers[place] : nil
            if index == 0 {
                own = answer
            } else {
                batch[index].continuation.resume(returning: .answered(answer))
            }
        }
        change { $0.end(size, at: .now) }
        return own
    }

    private func takeBatch() -> (batch: [Waiting], size: BatchSize) {
        var taken: (batch: [Waiting], size: BatchSize) = ([], .zero)
        change { queue in
            let (batch, size, signal) = queue.take(at: .now)
            taken = (batch, size)
            return signal
        }
        return taken
    }

    private func change(_ body: (inout BatchQueue<Waiting>) -> BatchSignal) {
        let (signal, first) = queue.withLock { queue in (body(&queue), queue.first) }
        switch signal {
        case .none: break
        case .start: first?.continuation.resume(returning: .leads)
        case .checkAgain(let pause):
            DispatchQueue.global().asyncAfter(deadline: .now() + pause / .seconds(1)) {
                [weak self] in self?.change { $0.check(at: .now) }
            }
        }
    }
}
