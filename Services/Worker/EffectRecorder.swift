import Runtime
import Store

/// Records the effects of all lanes of this worker, many in one commit.
struct EffectRecorder: Sendable {
    let limits: JournalLimits
    private let starts: Batcher<EffectStart, Result<EffectAdmission, StoreError>>
    private let ends: Batcher<EffectEnd, Result<Bool, StoreError>>

    private static let recordsMax = 128

    init(store: Store, limits: JournalLimits) {
        self.limits = limits
        starts = Batcher(requestsMax: Self.recordsMax) { starts in
            await Self.together(starts) { starts async throws(StoreError) in
                try await store.begin(starts, limits)
            }
        }
        ends = Batcher(requestsMax: Self.recordsMax) { ends in
            await Self.together(ends) { ends async throws(StoreError) in
                try await store.finish(ends, limits)
            }
        }
    }

    /// Records that a call begins, before it is made.
    func begin(_ start: EffectStart) async throws(StoreError) -> EffectAdmission {
        guard let answer = await starts(start) else { throw .bug("no answer") }
        return try answer.get()
    }

    /// Records the end of a call, before the next effect of the lane begins.
    func finish(_ end: EffectEnd) async throws(StoreError) {
        guard let answer = await ends(end) else { throw .bug("no answer") }
        guard try answer.get() else { throw .lostLease }
    }

    /// Records all requests in one commit. If the database refuses one of them, each is recorded
    /// alone, so that only that one fails.
    private static func together<Request, Answer>(
        _ requests: [Request], _ record: ([Request]) async throws(StoreError) -> [Answer]
    ) async -> [Result<Answer, StoreError>] {
        do {
            return try await record(requests).map { .success($0) }
        } catch where error.isPermanent && requests.count > 1 {
            var answers: [Result<Answer, StoreError>] = []
            for request in requests { answers += await together([request], record) }
            return answers
        } catch {
            return requests.map { _ in .failure(error) }
        }
    }
}
