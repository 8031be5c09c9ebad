import Automation
import Models
import Store

/// The record of a lane's effects: read before the first one of a turn, written around each. What
/// it cannot write it does not let happen: every write is fenced by the lease.
struct EffectLedger {
    enum Standing {
        case new
        /// An earlier attempt was about to make the call; whether it did nobody knows.
        case startedBefore
        case performed
    }

    let store: Store
    let lane: LeasedLane
    let limits: WorkerLimits
    private var known: [EffectKey: EffectProgress]?

    init(store: Store, lane: LeasedLane, limits: WorkerLimits) {
        self.store = store
        self.lane = lane
        self.limits = limits
    }

    /// Records that the call is about to be made and what it will change, so that its echo is
    /// recognised even when it comes back before the answer.
    mutating func begin(_ effect: Effect, of job: Job) async throws(Failure) -> Standing {
        let earlier = try await progress(of: effect.key)
        if case .performed = earlier { return .performed }
        let imprints = effect.command.imprints
        // One more attempt is not one more change.
        if earlier == nil { try await checkFuse(Set(imprints.map(\.target))) }
        do throws(StoreError) {
            try await store.begin(
                effect.key, of: job, under: lane.fence, request: effect.command.json,
                remembering: imprints.map(JournalEntry.init), forSeconds: limits.echoSeconds)
        } catch {
            throw Failure(error)
        }
        return earlier == nil ? .new : .startedBefore
    }

    func finish(
        _ effect: Effect, of job: Job, _ performed: Performed,
        superseding: [SupersededEffect] = []
    ) async throws(Failure) {
        do throws(StoreError) {
            let created = performed.created.map { [Command.imprint(ofCreated: $0)] } ?? []
            try await store.finish(
                effect.key, of: job, under: lane.fence, as: .performed(performed.result),
                links: performed.link.map { [$0] } ?? [], superseding: superseding,
                remembering: created.map(JournalEntry.init), forSeconds: limits.echoSeconds)
        } catch {
            throw Failure(error)
        }
    }

    /// A refusal, for whoever reads the log.
    func fail(_ effect: Effect, of job: Job, _ cause: Cause) async throws(Failure) {
        do throws(StoreError) {
            try await store.finish(effect.key, of: job, under: lane.fence, as: .failed(cause))
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

    private mutating func progress(
        of key: EffectKey
    ) async throws(Failure) -> EffectProgress? {
        if let known { return known[key] }
        do throws(StoreError) {
            let recorded = try await store.effects(of: lane.jobs, in: lane.id)
            known = recorded
            return recorded[key]
        } catch {
            throw Failure(error)
        }
    }

    /// Two rules that undo each other end here.
    private func checkFuse(_ targets: Set<String>) async throws(Failure) {
        for target in targets.sorted() {
            let writes: Int
            do throws(StoreError) {
                writes = try await store.writes(
                    to: LaneKey(target), in: lane.connection, lastSeconds: limits.echoSeconds)
            } catch {
                throw Failure(error)
            }
            if writes >= limits.changesPerTargetMax {
                throw .permanent(
                    Cause(
                        .liaison, code: "fuse",
                        message: "\(target) was changed \(writes) times within "
                            + "\(Int(limits.echoSeconds)) s; rules may be undoing each other"))
            }
        }
    }
}

extension JournalEntry {
    init(_ imprint: Imprint) {
        self.init(target: LaneKey(imprint.target), field: imprint.aspect, value: imprint.value)
    }
}

extension Failure {
    /// What a database that did not do its part means for a job.
    init(_ error: StoreError) {
        self =
            switch error {
            // Nothing is known of the vendors' side being at fault: no attempt is spent.
            case .unavailable, .lostLease: .interrupted
            case .conflict:
                .retryable(Cause(.liaison, code: "conflict", message: "somebody was faster"))
            case .defect(let message):
                .permanent(Cause(.liaison, code: "defect", message: message))
            }
    }
}
