import Models
import Store

/// The state of a lane's run: everything that one job leaves for the next.
struct LaneProgress {
    /// Facts about the lane's events that the database holds, with the links that this run made.
    private(set) var context: LaneContext
    private(set) var settlements: [Settlement] = []
    /// Decisions that a later job may still supersede, in their order.
    private var deferred: [JobDecision] = []
    /// Effects that this run performed, or superseded by one that it performed.
    private var effectsDone: Set<EffectKey> = []
    /// Jobs whose facts are recorded with an effect that this run began, by their sequences.
    private var jobsWithFacts: Set<Int64> = []

    init(_ context: LaneContext) { self.context = context }

    mutating func `defer`(_ decision: JobDecision) { deferred.append(decision) }

    mutating func takeDeferred() -> [JobDecision] {
        defer { deferred = [] }
        return deferred
    }

    func isDone(_ effect: EffectKey) -> Bool { effectsDone.contains(effect) }

    mutating func done(_ effect: EffectKey, making link: Link? = nil) {
        effectsDone.insert(effect)
        if let link { context.add(link) }
    }

    func hasFacts(of job: Job) -> Bool { jobsWithFacts.contains(job.sequence) }

    mutating func recordedFacts(of job: Job) { jobsWithFacts.insert(job.sequence) }

    mutating func settle(_ settlement: Settlement) { settlements.append(settlement) }
}
