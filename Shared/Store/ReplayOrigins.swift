import Models
import Postgres

extension Store {
    /// Columns of a job say what it replays. A program that does not write them yet cannot append a
    /// replay any more: all of its effects would be performed again.
    static let replaySchema = """
        ALTER TABLE job
            ADD COLUMN replay_scope text,
            ADD COLUMN replay_of text,
            ADD COLUMN replay_effect_owner text,
            ADD CONSTRAINT job_replay_origin
                CHECK (source <> 'operator' OR replay_scope IS NOT NULL) NOT VALID;
        COMMENT ON COLUMN job.replay_scope IS 'rest or all; NULL for an event that is no replay';
        COMMENT ON COLUMN job.replay_effect_owner IS 'the event whose effects count as its own';
        """

    /// Earlier replays said in their ids what they repeat: `replay:NONCE:EVENT` is the rest of an
    /// event, `repeat:NONCE:EVENT` all of it. A step of its own: it reads the whole log, and must
    /// not keep appends out meanwhile.
    static let earlierReplays = """
        UPDATE job SET
            replay_scope = CASE WHEN starts_with(event_id, 'replay:') THEN 'rest' ELSE 'all' END,
            replay_of = substring(event_id FROM '^[a-z]+:[^:]*:(.+)$'),
            replay_effect_owner = CASE WHEN starts_with(event_id, 'replay:')
                THEN substring(event_id FROM '^(?:replay:[^:]*:)+(.+)$') ELSE event_id END
        WHERE source = 'operator' AND replay_scope IS NULL
            AND event_id ~ '^(?:replay|repeat):[^:]*:.';
        """
}

/// Replays among appended events, as the arrays that the statement reads: as long as the last
/// replay's row asks, so empty where there is none.
struct ReplayArrays {
    private(set) var scopes: [String?] = []
    private(set) var events: [String?] = []
    private(set) var effectOwners: [String?] = []

    mutating func set(_ origin: ReplayOrigin?, row: Int) {
        guard let origin else { return }
        let gap = [String?](repeating: nil, count: row - scopes.count)
        scopes += gap + [origin.scope.rawValue]
        events += gap + [origin.event.rawValue.storable]
        effectOwners += gap + [origin.effectOwner.rawValue.storable]
    }
}

/// A replay's columns of one job.
struct ReplayColumns {
    /// `nil` for an event that is no replay, and for a replay that only a newer program can read.
    let origin: ReplayOrigin?
    /// False for a replay that only a newer program can read.
    let isReadable: Bool

    init(reading row: inout RowReader) throws(PostgresError) {
        guard let scope: String = try row.next() else {
            row.skip(2)
            (origin, isReadable) = (nil, true)
            return
        }
        let (event, owner): (String?, String?) = (try row.next(), try row.next())
        origin =
            if let scope = ReplayScope(rawValue: scope), let event, let owner {
                ReplayOrigin(scope, of: EventID(event), effectOwner: EventID(owner))
            } else {
                nil
            }
        isReadable = origin != nil
    }
}
