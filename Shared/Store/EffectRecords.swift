import JSON
import Models
import Postgres

/// How far an effect came.
public enum EffectProgress: Equatable, Sendable {
    /// The call was about to be made. If it is found like this later, nobody knows whether it was:
    /// look first, then act.
    case started
    case ended(EffectResult)
}

public enum EffectResult: Equatable, Sendable {
    /// It has happened, with this to remember of it. Never again.
    case performed(JSON)
    case failed(Cause)
}

/// A call that is about to be made.
public struct EffectStart: Sendable {
    public var key: EffectKey
    public var job: Job
    public var fence: Fence
    public var command: Command
    /// What the rules were judged on, with the first effect of a job: a later attempt goes by it,
    /// because what the effects change would be judged otherwise.
    public var facts: JSON?
    /// What the call will write at the vendor: its echo is then recognised even if it comes back
    /// before the answer.
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

/// Whether the call may be made.
public enum EffectStanding: Equatable, Sendable {
    /// It is recorded as begun now.
    case new
    /// An earlier attempt was about to make the call; whether it did nobody knows.
    case startedBefore
    /// It has happened, with this to remember of it; nothing was recorded.
    case performed(JSON)
    /// What it would change was changed so often already; nothing was recorded.
    case fused(changes: Int)
    /// The lease is lost; nothing was recorded.
    case lost
}

/// What an event has done in all its attempts and replays.
public struct EarlierEffects: Equatable, Sendable {
    /// In their order.
    public var records: [RecordedEffect] = []
    /// What the rules were judged on by the first that began an effect; `nil` if none did.
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

/// How a call ended, with everything that it left behind.
public struct EffectEnd: Sendable {
    public var key: EffectKey
    public var job: Job
    public var fence: Fence
    public var result: EffectResult
    /// Between incidents and records, made by the effect.
    public var links: [Link]
    /// Effects that this one made superfluous: recorded as performed by it, so that no later
    /// attempt makes an older write after a newer one.
    public var superseding: [SupersededEffect]
    /// What only the answer told, for the journal.
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

/// An effect that was not performed because a later one writes all of its fields again.
public struct SupersededEffect: Hashable, Sendable {
    public let key: EffectKey
    public let job: Job

    public init(key: EffectKey, job: Job) {
        self.key = key
        self.job = job
    }
}

/// What is remembered of our own writes, and how many are too many.
public struct JournalLimits: Sendable {
    /// How long an entry is kept, and over how long changes are counted.
    public var window: Duration
    /// Of one record or incident within that time: two rules that undo each other end here.
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
