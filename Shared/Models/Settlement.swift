import JSON

/// The end of an event. Every accepted event has exactly one of these.
public enum Outcome: Equatable, Sendable {
    /// A rule matched, or a note or comment was copied. The actions were performed, as far as there
    /// was something to act on.
    case applied
    /// Rules were evaluated; none matched.
    case unmatched
    /// No rule can concern it: a ping, a kind that we do not know, the echo of our own write.
    case ignored(reason: String)
    /// The event was given up and the lane went on. Replay it after the cause is removed.
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

/// A job's row in the ledger: the outcome and the data that explain it. The evaluation itself is
/// not kept: it is pure, so event, facts and rule versions give it again.
public struct Settlement: Equatable, Sendable {
    public var job: Job
    /// The attempt at which it ended, from 1.
    public var attempt: Int
    public var outcome: Outcome
    /// The facts beyond the event that the rules were evaluated with: links, echoes, fetched
    /// values. Nil if there were none.
    public var facts: JSON?
    /// The configuration version in force then; nil if it is not one of this database, for an
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

/// The result of a lease: the settled events of the lane, and what comes next.
public struct LaneSettlement: Equatable, Sendable {
    public enum Next: Equatable, Sendable {
        /// The lane is due at once if more jobs wait, else idle.
        case proceed
        /// The job at the head is due again after the delay. A refunded attempt is not counted. The
        /// cause is kept to show why the event still waits.
        case retry(after: Duration, refundsAttempt: Bool, because: Cause? = nil)
    }

    public var fence: Fence
    /// Consecutive events from the head of the lane; may be empty.
    public var settlements: [Settlement]
    public var next: Next

    public init(fence: Fence, settlements: [Settlement], next: Next) {
        self.fence = fence
        self.settlements = settlements
        self.next = next
    }
}
