import Automation
import JSON
import Models
import Runtime
import Store

/// The record of a lane's effects, written around each call. A call whose record cannot be written
/// is not made: every record is fenced by the lease.
struct EffectLog: Sendable {
    /// The state of an effect before this attempt began it.
    enum PriorState {
        case notStarted
        /// An earlier attempt was about to make the call; it may have made it.
        case started
        /// The call was made, with this result.
        case performed(JSON)
    }

    let store: Store
    let recorder: EffectRecorder
    let lane: LeasedLane
    let jitter: Jitter

    /// Records that the call is about to be made and what it will change, so that its echo is
    /// recognised even when it comes back before the answer.
    ///
    /// - Parameter facts: the facts that the rules were judged on, with the first effect of a job.
    func begin(
        _ effect: Effect, of job: Job, judgedOn facts: JSON?
    ) async throws(Failure) -> PriorState {
        let writtenValues = effect.command.writtenValues
        let start = EffectStart(
            effect.key, of: job, under: lane.fence, command: effect.command,
            facts: facts, writes: writtenValues.map(JournalEntry.init))
        switch try await mapping(await recorder.begin(start)) {
        case .new: return .notStarted
        case .startedBefore: return .started
        case .performed(let result): return .performed(result)
        case .fused(let changes):
            throw .permanent(fuse(writtenValues.first?.target ?? "it", changes))
        case .lost: throw .interrupted
        }
    }

    func finish(
        _ effect: Effect, of job: Job, _ performed: Performed,
        superseding: [SupersededEffect] = []
    ) async throws(Failure) {
        let created = performed.created.map { [Command.writtenValue(ofCreated: $0)] } ?? []
        try await finish(
            EffectEnd(
                effect.key, of: job, under: lane.fence, as: .performed(performed.result),
                links: performed.link.map { [$0] } ?? [], superseding: superseding,
                writes: created.map(JournalEntry.init)))
    }

    /// Records a refusal, for people who read the log.
    func fail(_ effect: Effect, of job: Job, _ cause: Cause) async throws(Failure) {
        try await finish(EffectEnd(effect.key, of: job, under: lane.fence, as: .failed(cause)))
    }

    private func finish(_ end: EffectEnd) async throws(Failure) {
        try await mapping(await recorder.finish(end))
    }

    /// Calls the store and throws its error as the failure of a job.
    private func mapping<Value>(
        _ call: @autoclosure () async throws(StoreError) -> Value
    ) async throws(Failure) -> Value {
        do {
            return try await call()
        } catch {
            throw Failure(error, jitter)
        }
    }

    /// Reads the effects of the event that this one replays.
    func earlierEffects(of owner: EventID) async throws(Failure) -> EarlierEffects {
        try await mapping(await store.effects(ofAll: owner, in: lane.id))
    }

    /// Removes the links of a record that does not exist any more.
    func unlink(_ record: RecordID) async throws(Failure) {
        try await mapping(await store.unlink(record, in: lane.connection))
    }

    func isLinked(_ record: RecordID) async throws(Failure) -> Bool {
        try await !mapping(await store.links(records: [record], in: lane.connection)).isEmpty
    }

    /// Two rules that undo each other end here.
    private func fuse(_ target: String, _ changes: Int) -> Cause {
        Cause(
            .liaison, code: "fuse",
            message: "\(target) was changed \(changes) times within "
                + "\(Int(recorder.limits.window / .seconds(1))) s; rules may be undoing each other")
    }
}

extension JournalEntry {
    init(_ writtenValue: WrittenValue) {
        self.init(
            target: LaneKey(writtenValue.target), field: writtenValue.aspect,
            value: writtenValue.value)
    }
}

extension Failure {
    /// The consequence of a database failure for a job. It costs no attempt, because no vendor is
    /// at fault. The job waits for some seconds: on a full disk the database may take back lanes
    /// but no effects, and the vendors would be asked again every time.
    init(_ error: StoreError, _ jitter: Jitter) {
        self =
            switch error {
            case .unavailable where Task.isCancelled: .interrupted
            case .unavailable(let reason):
                .throttled(
                    Cause(.liaison, code: "database", message: reason),
                    retryAfter: jitter.duration(in: Self.databaseWait))
            case .lostLease: .interrupted
            case .conflict:
                .retryable(Cause(.liaison, code: "conflict", message: "another worker was faster"))
            case .notFound, .schemaMismatch, .missingPartition, .corrupt, .bug:
                .permanent(Cause(.liaison, code: "defect", message: error.description))
            }
    }

    private static let databaseWait: ClosedRange<Duration> = .seconds(2)...(.seconds(5))
}
