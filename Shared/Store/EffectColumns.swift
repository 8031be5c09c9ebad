import JSON
import Models
import Postgres

/// Begun effects as the arrays that the statement unnests.
struct EffectStartColumns {
    private var lanes: [LaneID] = []
    private var epochs: [Int64] = []
    private var segments: [Segment] = []
    private var sequences: [Int64] = []
    private var keys: [String] = []
    private var commands: [String] = []
    private var fingerprints: [[UInt8]] = []
    /// The commands as people read them in the log.
    private var requests: [String] = []
    private var facts: [String?] = []
    private var writes: [String] = []

    init(_ starts: [EffectStart]) {
        for start in starts {
            lanes.append(start.fence.lane)
            epochs.append(start.fence.epoch)
            segments.append(start.job.segment)
            sequences.append(start.job.sequence)
            keys.append(start.key.rawValue.storable)
            commands.append(start.command.kind.rawValue)
            fingerprints.append(CommandFingerprint(start.command).digest)
            requests.append(start.command.json.text)
            facts.append(start.facts?.text)
            writes.append(start.writes.json.text)
        }
    }

    /// The lock on a lane lets appends pass and makes a rescue of the lane wait until the commit.
    func statement(_ limits: JournalLimits) -> SQL {
        """
        WITH held AS MATERIALIZED (
            SELECT input.*, lane.connection, earlier.state AS earlier, earlier.started_at,
                earlier.result
            FROM unnest(\(lanes), \(epochs), \(segments), \(sequences), \(keys), \(commands),
                    \(fingerprints), \(requests), \(facts), \(writes)) WITH ORDINALITY
                AS input (lane_id, epoch, segment, sequence, key, command, fingerprint, request,
                    facts, writes, place)
            JOIN lane ON lane.lane_id = input.lane_id AND lane.epoch = input.epoch
                AND lane.state = 2
            LEFT JOIN effect AS earlier ON earlier.lane_id = input.lane_id
                AND earlier.sequence = input.sequence AND earlier.key = input.key
                AND earlier.segment = input.segment
            ORDER BY lane.lane_id FOR KEY SHARE OF lane),
        weighed AS MATERIALIZED (
            SELECT held.*, CASE WHEN earlier IS NULL THEN coalesce((
                SELECT max((
                    SELECT count(DISTINCT written_at) FROM journal
                    WHERE connection = held.connection AND journal.target = written.target
                        AND written_at > now() - \(limits.window)))
                FROM (SELECT DISTINCT target
                    FROM jsonb_to_recordset(held.writes::jsonb) AS written (target text)) AS written
                ), 0) ELSE 0 END AS changes
            FROM held),
        due AS MATERIALIZED (
            SELECT * FROM weighed
            WHERE earlier IS DISTINCT FROM 'performed' AND changes < \(limits.changesMax)),
        recorded AS (
            INSERT INTO effect (segment, lane_id, sequence, key, state, command,
                fingerprint_version, fingerprint, request, facts)
            SELECT segment, lane_id, sequence, key, 'started', command,
                \(Command.encodingVersion)::int, fingerprint, request, facts FROM due
            ON CONFLICT (lane_id, sequence, key, segment) DO UPDATE
            SET state = 'started', ended_at = NULL, command = excluded.command,
                fingerprint_version = excluded.fingerprint_version,
                fingerprint = excluded.fingerprint, request = excluded.request),
        remembered AS (
            \(JournalEntry.insertion(from: "due", at: "coalesce(due.started_at, now())", limits)))
        SELECT place, earlier, changes, result FROM weighed
        """
    }
}

/// Ended effects as the arrays that the statement unnests. A superseded effect has its own row.
struct EffectEndColumns {
    private var places: [Int64] = []
    private var lanes: [LaneID] = []
    private var epochs: [Int64] = []
    private var segments: [Segment] = []
    private var sequences: [Int64] = []
    private var keys: [String] = []
    private var states: [String] = []
    private var results: [String] = []
    private var links: [String] = []
    private var writes: [String] = []

    init(_ ends: [EffectEnd]) {
        for (place, end) in ends.enumerated() {
            append(place, end.fence, end.key, end.job, end.result, end.links, end.writes)
            let reason: JSON = ["supersededBy": .string(end.key.rawValue)]
            for other in end.superseding {
                append(place, end.fence, other.key, other.job, .performed(reason))
            }
        }
    }

    private mutating func append(
        _ place: Int, _ fence: Fence, _ key: EffectKey, _ job: Job, _ result: EffectResult,
        _ links: [Link] = [], _ writes: [JournalEntry] = []
    ) {
        places.append(Int64(place))
        lanes.append(fence.lane)
        epochs.append(fence.epoch)
        segments.append(job.segment)
        sequences.append(job.sequence)
        keys.append(key.rawValue.storable)
        states.append(result.state)
        results.append(result.json.text)
        self.links.append(links.json.text)
        self.writes.append(writes.json.text)
    }

    func statement(_ limits: JournalLimits) -> SQL {
        """
        WITH held AS MATERIALIZED (
            SELECT input.*, lane.connection
            FROM unnest(\(places), \(lanes), \(epochs), \(segments), \(sequences), \(keys),
                    \(states), \(results), \(links), \(writes))
                AS input (place, lane_id, epoch, segment, sequence, key, state, result, links,
                    writes)
            JOIN lane ON lane.lane_id = input.lane_id AND lane.epoch = input.epoch
                AND lane.state = 2
            ORDER BY lane.lane_id FOR KEY SHARE OF lane),
        linked AS (
            \(Link.insertion(from: "held"))),
        remembered AS (
            \(JournalEntry.insertion(from: "held", at: "now()", limits))),
        recorded AS (
            INSERT INTO effect (segment, lane_id, sequence, key, state, ended_at, result)
            SELECT segment, lane_id, sequence, key, state, now(), result FROM held
            ON CONFLICT (lane_id, sequence, key, segment) DO UPDATE
            SET state = excluded.state, ended_at = now(), result = excluded.result)
        SELECT place FROM held
        """
    }
}
