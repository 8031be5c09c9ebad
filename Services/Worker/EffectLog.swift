import Automation
import JSON
import Models
import Store

/// The record of a lane's effects, written around each call. What it cannot write it does not let
/// happen: every write is fenced by the lease.
struct EffectLog: Sendable {
    enum Standing {
        case new
        /// An earlier attempt was about to make the call; whether it did nobody knows.
        case startedBefore
        /// With this to remember of it.
        case performed(JSON)
    }

    let store: Store
    let recorder: EffectRecorder
    let lane: LeasedLane

    /// Records that the call is about to be made and what it will change, so that its echo is
    /// recognised even when it comes back before the answer.
    ///
    /// - Parameter facts: what the rules were judged on, with the first effect of a job.
    func begin(
        _ effect: Effect, of job: Job, judgedOn facts: JSON?
    ) async throws(Failure) -> Standing {
        let writtenValues = effect.command.writtenValues
        let start = EffectStart(
            effect.key, of: job, under: lane.fence, request: effect.command.json,
            facts: facts, writes: writtenValues.map(JournalEntry.init))
        let standing: EffectStanding
        do throws(StoreError) {
            standing = try await recorder.begin(start)
        } catch {
            throw Failure(error)
        }
        switch standing {
        case .new: return .new
        case .startedBefore: return .startedBefore
        case .performed(let result): return .performed(result)
        case .fused(let changes):
            throw .permanent(fuse(writtenValues.first?.target ?? "it", changes))
        case .lost: throw Failure(.lostLease)
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

    /// A refusal, for whoever reads the log.
    func fail(_ effect: Effect, of job: Job, _ cause: Cause) async throws(Failure) {
        try await finish(EffectEnd(effect.key, of: job, under: lane.fence, as: .failed(cause)))
    }

    private func finish(_ end: EffectEnd) async throws(Failure) {
        do throws(StoreError) {
            try await recorder.finish(end)
        } catch {
            throw Failure(error)
        }
    }

    /// What was done already for the event that this one replays.
    func earlierEffects(of original: EventID) async throws(Failure) -> EarlierEffects {
        do throws(StoreError) {
            return try await store.effects(ofAll: original, in: lane.id)
        } catch {
            throw Failure(error)
        }
    }

    /// The record does not exist any more: no later event is about it.
    func unlink(_ record: RecordID) async throws(Failure) {
        do throws(StoreError) {
            try await store.unlink(record, in: lane.connection)
        } catch {
            throw Failure(error)
        }
    }

    func isLinked(_ record: RecordID) async throws(Failure) -> Bool {
        do throws(StoreError) {
            return try await !store.links(records: [record], in: lane.connection).isEmpty
        } catch {
            throw Failure(error)
        }
    }

    /// Two rules that undo each other end here.
    private func fuse(_ target: String, _ changes: Int) -> Cause {
        Cause(
            .liaison, code: "fuse",
            message: "\(target) was changed \(changes) times within "
                + "\(Int(recorder.limits.seconds)) s; rules may be undoing each other")
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
    /// What a database that did not do its part means for a job. Nothing is known of the vendors'
    /// side being at fault: no attempt is spent. While it takes back lanes but no effects, as on a
    /// full disk, they must not go round, for the vendors would be asked every time.
    init(_ error: StoreError) {
        self =
            switch error {
            case .unavailable where Task.isCancelled: .interrupted
            case .unavailable(let reason):
                .throttled(
                    Cause(.liaison, code: "database", message: reason),
                    retryAfterSeconds: Double.random(in: 2...5))
            case .lostLease: .interrupted
            case .conflict:
                .retryable(Cause(.liaison, code: "conflict", message: "somebody was faster"))
            case .notFound, .schemaMismatch, .missingPartition, .corrupt, .bug:
                .permanent(Cause(.liaison, code: "defect", message: error.description))
            }
    }
}
