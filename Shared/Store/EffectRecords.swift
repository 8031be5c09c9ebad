import JSON
import Models
import Postgres

/// The progress of an effect.
public enum EffectProgress: Equatable, Sendable {
    /// The call was about to be made. A later attempt cannot know if it was made: it looks at the
    /// vendor first.
    case started
    case ended(EffectResult)
}

public enum EffectResult: Equatable, Sendable {
    /// The effect has happened and must not happen again. The JSON holds what is to be remembered.
    case performed(JSON)
    case failed(Cause)
}

/// A call that is about to be made.
public struct EffectStart: Sendable {
    public var key: EffectKey
    public var job: Job
    public var fence: Fence
    public var command: Command
    /// The facts on which the rules were judged, with the first effect of a job. Later attempts
    /// judge on them, because effects change what can be fetched.
    public var facts: JSON?
    /// The values that the call will write at the vendor. Their echo is then recognised even if it
    /// comes back before the answer.
    public var writes: [JournalEntry]

    public init(
        _ key: EffectKey, of job: Job, under fence: Fence, command: Command,
        facts: JSON? = nil, writes: [JournalEntry] = []
    ) {
        self.key = key
        self.job = job
        self.fence = fence
        self.command = command
        self.facts = facts
        self.writes = writes
    }
}

/// The permission to make a call, or the reason against it.
public enum EffectAdmission: Equatable, Sendable {
    /// The effect is recorded as begun: make the call.
    case new
    /// An earlier attempt was about to make the call, and may have made it: look at the vendor
    /// first.
    case startedBefore
    /// The effect has happened, with this result. Nothing was recorded.
    case performed(JSON)
    /// The target has been changed too often within the journal's window. Nothing was recorded.
    case fused(changes: Int)
    /// The lease is lost. Nothing was recorded.
    case lost
}

/// The effects of an event in all its attempts and replays.
public struct EarlierEffects: Equatable, Sendable {
    /// The effects in the order in which they were begun.
    public var records: [RecordedEffect] = []
    /// The facts on which the first attempt that began an effect judged the rules; nil if there is
    /// none.
    public var facts: JSON?

    public init() {}
}

/// One effect as the effect log has it.
public struct RecordedEffect: Equatable, Sendable {
    public let key: EffectKey
    public let progress: EffectProgress
    /// `nil` if the effect was superseded before it was begun.
    public let command: RecordedCommand?

    public init(key: EffectKey, progress: EffectProgress, command: RecordedCommand?) {
        self.key = key
        self.progress = progress
        self.command = command
    }
}

/// The end of a call, with everything that it left behind.
public struct EffectEnd: Sendable {
    public var key: EffectKey
    public var job: Job
    public var fence: Fence
    public var result: EffectResult
    /// The links that the effect made between incidents and records.
    public var links: [Link]
    /// Effects that this one replaced. They are recorded as performed, so that no later attempt
    /// makes an older write after a newer one.
    public var superseding: [SupersededEffect]
    /// Written values that only the answer told, for the journal.
    public var writes: [JournalEntry]

    public init(
        _ key: EffectKey, of job: Job, under fence: Fence, as result: EffectResult,
        links: [Link] = [], superseding: [SupersededEffect] = [], writes: [JournalEntry] = []
    ) {
        self.key = key
        self.job = job
        self.fence = fence
        self.result = result
        self.links = links
        self.superseding = superseding
        self.writes = writes
    }
}

/// An effect that is not performed because a later one writes all of its fields again.
public struct SupersededEffect: Hashable, Sendable {
    public let key: EffectKey
    public let job: Job

    public init(key: EffectKey, job: Job) {
        self.key = key
        self.job = job
    }
}

/// The memory of our own writes, and the number of writes that is too many.
public struct JournalLimits: Sendable {
    /// The time for which an entry is kept and changes are counted.
    public var window: Duration
    /// The most changes of one record or incident within the window. It stops two rules that undo
    /// each other.
    public var changesMax: Int

    public init(window: Duration = .seconds(600), changesMax: Int = 60) {
        self.window = window
        self.changesMax = changesMax
    }
}

extension EffectResult {
    var state: String {
        switch self {
        case .performed: "performed"
        case .failed: "failed"
        }
    }

    var json: JSON {
        switch self {
        case .performed(let result): result
        case .failed(let cause): cause.json
        }
    }
}

extension EffectProgress {
    init(state: String, result: String?) throws(PostgresError) {
        let json = result.flatMap { try? JSON(parsing: $0) }
        switch (state, json) {
        case ("started", _): self = .started
        case ("performed", let json?): self = .ended(.performed(json))
        case ("failed", let json?):
            guard let cause = Cause(json: json) else { fallthrough }
            self = .ended(.failed(cause))
        case (_, _): throw .value("an effect is \(state) with \(result ?? "nothing")")
        }
    }
}
