import JSON

/// How an event ended. Every accepted event ends in exactly one of these.
public enum Outcome: Equatable, Sendable {
    /// A rule matched, or a note or comment was copied; what its actions wanted was done, as far as
    /// there was something to act on.
    case applied
    /// Rules were evaluated, none matched.
    case unmatched
    /// No rule can concern it: a ping, a kind that we do not know, the echo of our own write.
    case ignored(reason: String)
    /// Given up; the lane went on. Replay after the mend.
    case failed(Cause)

    public var name: String {
        switch self {
        case .applied: "applied"
        case .unmatched: "unmatched"
        case .ignored: "ignored"
        case .failed: "failed"
        }
    }
}

/// A job's row in the ledger: the outcome and what is needed to explain it again. The evaluation
/// itself is not kept, it is pure: event, facts and rule versions give it back.
public struct Settlement: Equatable, Sendable {
    public var job: Job
    /// At which attempt it ended; 1 for the first.
    public var attempt: Int
    public var outcome: Outcome
    /// What the rules were judged on beyond the event: links, echoes, what was fetched. `nil` when
    /// there was nothing.
    public var facts: JSON?
    /// The configuration version in force then; `nil` when it is not one of this database, for an
    /// event that was moved here.
    public var configurationVersion: ConfigurationVersion?

    public init(
        job: Job, attempt: Int, outcome: Outcome, facts: JSON? = nil,
        configurationVersion: ConfigurationVersion? = nil
    ) {
        self.job = job
        self.attempt = attempt
        self.outcome = outcome
        self.facts = facts
        self.configurationVersion = configurationVersion
    }
}

/// What becomes of a lane when its lease ends.
public struct LaneSettlement: Equatable, Sendable {
    public enum Next: Equatable, Sendable {
        /// Due at once when more jobs wait, else idle.
        case proceed
        /// The job at the head is due again after the delay. A refunded attempt is not counted. The
        /// cause is kept for whoever asks why the event still waits.
        case retry(afterSeconds: Double, refundsAttempt: Bool, because: Cause? = nil)
    }

    public var fence: Fence
    /// A gapless run from the head of the lane; may be empty.
    public var settlements: [Settlement]
    public var next: Next

    public init(fence: Fence, settlements: [Settlement], next: Next) {
        self.fence = fence
        self.settlements = settlements
        self.next = next
    }
}
