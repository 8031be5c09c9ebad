import JSON
import Models
import Postgres

/// How far an effect came.
public enum EffectProgress: Equatable, Sendable {
    /// The call was about to be made. If it is found like this later, nobody knows whether it was:
    /// look first, then act.
    case started
    /// It has happened, with this to remember of it. Never again.
    case performed(JSON)
    case failed(Cause)
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

extension Store {
    /// What earlier attempts at these jobs recorded.
    public func effects(
        of jobs: [Job], in lane: Int64
    ) async throws(StoreError) -> [EffectKey: EffectProgress] {
        let statement: SQL = """
            SELECT key, state, result FROM effect
            WHERE lane_id = \(lane) AND sequence = ANY (\(jobs.map(\.sequence)))
                AND segment = ANY (\(jobs.map(\.segment)))
            """
        guard let rows = try await runByIndex([statement]).last else { throw .defect("no answer") }
        let recorded = try rows.mapped { row throws(PostgresError) in
            let (key, state, result) = try row.decoded(String.self, String.self, String?.self)
            return (EffectKey(key), try EffectProgress(state: state, result: result))
        }
        return Dictionary(recorded, uniquingKeysWith: { $1 })
    }

    /// Records that a call is about to be made, and what it will write at the vendor, so that its
    /// echo is recognised even if it comes back before the answer. An effect that was begun before
    /// keeps its moment.
    ///
    /// - Parameter request: for people who read the log.
    /// - Throws: `.lostLease`, then nothing was recorded and the call must not be made.
    public func begin(
        _ key: EffectKey, of job: Job, under fence: Fence, request: JSON? = nil,
        remembering writes: [JournalEntry] = [], forSeconds seconds: Double = 600
    ) async throws(StoreError) {
        let firstStart: SQL = """
            coalesce((
                SELECT started_at FROM effect
                WHERE effect.lane_id = \(fence.lane) AND effect.sequence = \(job.sequence)
                    AND effect.segment = \(job.segment)
                    AND effect.key = \(key.rawValue.storable)), now())
            """
        try await writeFenced(
            """
            WITH \(fence.held),
            remembered AS (
                \(writes.insertion(seconds: seconds, at: firstStart))),
            recorded AS (
                INSERT INTO effect (segment, lane_id, sequence, key, state, request)
                SELECT \(job.segment), held.lane_id, \(job.sequence),
                    \(key.rawValue.storable)::text, 'started', \(request?.text)::text
                FROM held
                ON CONFLICT (lane_id, sequence, key, segment) DO UPDATE
                SET state = 'started', ended_at = NULL
                WHERE effect.state <> 'performed')
            SELECT lane_id FROM held
            """)
    }

    /// Records how a call ended, with everything that it left behind, before the next one begins.
    ///
    /// - Parameters:
    ///   - links: between incidents and records that the effect made.
    ///   - superseding: effects that this one made superfluous: recorded as performed by it, so
    ///     that no later attempt makes an older write after a newer one.
    ///   - writes: what only the answer told, for the journal.
    /// - Throws: `.lostLease`. The call was made all the same; whoever has the lane now finds it
    ///   recorded as begun.
    public func finish(
        _ key: EffectKey, of job: Job, under fence: Fence, as progress: EffectProgress,
        links: [Link] = [], superseding: [SupersededEffect] = [],
        remembering writes: [JournalEntry] = [], forSeconds seconds: Double = 600
    ) async throws(StoreError) {
        let others: JSON = ["supersededBy": .string(key.rawValue)]
        let rows =
            [(key, job, progress.state, progress.result?.text)]
            + superseding.map { ($0.key, $0.job, "performed", others.text) }
        try await writeFenced(
            """
            WITH \(fence.held),
            linked AS (
                \(links.insertion)),
            remembered AS (
                \(writes.insertion(seconds: seconds))),
            recorded AS (
                INSERT INTO effect (segment, lane_id, sequence, key, state, ended_at, result)
                SELECT ended.segment, held.lane_id, ended.sequence, ended.key, ended.state, now(),
                    ended.result
                FROM held, unnest(\(rows.map(\.1.segment)), \(rows.map(\.1.sequence)),
                        \(rows.map(\.0.rawValue.storable)), \(rows.map(\.2)), \(rows.map(\.3)))
                    AS ended (segment, sequence, key, state, result)
                ON CONFLICT (lane_id, sequence, key, segment) DO UPDATE
                SET state = excluded.state, ended_at = now(), result = excluded.result)
            SELECT lane_id FROM held
            """)
    }

    /// Runs a statement that begins with `Fence.held` and answers it.
    private func writeFenced(_ statement: SQL) async throws(StoreError) {
        guard let held = try await runByIndex([statement]).last else { throw .defect("no answer") }
        guard held.count == 1 else { throw .lostLease }
    }
}

extension Fence {
    /// The lane, if it is still held. The lock lets appends to the lane pass, and makes whoever
    /// wants to take the lane away wait until this write is committed.
    fileprivate var held: SQL {
        """
        held AS MATERIALIZED (
            SELECT lane_id, connection FROM lane
            WHERE lane_id = \(lane) AND epoch = \(epoch) AND state = 2
            FOR KEY SHARE)
        """
    }
}

extension EffectProgress {
    var state: String {
        switch self {
        case .started: "started"
        case .performed: "performed"
        case .failed: "failed"
        }
    }

    fileprivate var result: JSON? {
        switch self {
        case .started: nil
        case .performed(let result): result
        case .failed(let cause): cause.json
        }
    }

    init(state: String, result: String?) throws(PostgresError) {
        let json = result.flatMap { try? JSON(parsing: $0) }
        switch (state, json) {
        case ("started", _): self = .started
        case ("performed", let json?): self = .performed(json)
        case ("failed", let json?):
            guard let cause = Cause(json: json) else { fallthrough }
            self = .failed(cause)
        case (_, _): throw .row("an effect is \(state) with \(result ?? "nothing")")
        }
    }
}
