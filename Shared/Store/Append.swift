import Crypto
import Glibc
import Models
import Postgres

/// The answer of the log to one appended event.
public enum Appended: Equatable, Sendable {
    case accepted(lane: LaneID, sequence: Int64)
    /// The connection has seen this deduplication key in the last 30 days, or earlier in this
    /// batch.
    case duplicate
}

extension Store {
    /// Appends events to the log, in one commit that is on disk when this returns.
    ///
    /// Events of one lane get sequences in the order of `events`. A call that failed may be
    /// repeated: the events that it did write answer `.duplicate` then.
    ///
    /// - Parameter events: events of configured connections, with payloads of a few MiB together at
    ///   most.
    /// - Returns: an answer for each event, in the same order.
    public func append(_ events: [NewEvent]) async throws(StoreError) -> [Appended] {
        guard !events.isEmpty else { return [] }
        let columns = try await columns(of: events)
        let rows = try await insertCreatingPartitions(columns.statement)
        var answers = [Appended](repeating: .duplicate, count: events.count)
        let accepted = try rows.values(Int.self, LaneID.self, Int64.self)
        for (row, lane, sequence) in accepted where columns.places.indices.contains(row - 1) {
            answers[columns.places[row - 1]] = .accepted(lane: lane, sequence: sequence)
        }
        return answers
    }

    /// Creates today's partitions if they are missing, then inserts again.
    private func insertCreatingPartitions(_ statement: SQL) async throws(StoreError) -> Rows {
        do {
            return try await insert(statement)
        } catch .missingPartition {
            try await createPartitions()
            return try await insert(statement)
        }
    }

    /// A session plans the append once, because planning takes longer than appending a few events.
    /// The plan must suit many rows, whatever the arrays' lengths are.
    private static let appending: SQL = """
        SELECT set_config('synchronous_commit', 'on', true), set_config('jit', 'off', true),
            set_config('plan_cache_mode', 'force_generic_plan', true),
            set_config('enable_seqscan', 'off', true), set_config('enable_nestloop', 'off', true)
        """

    private func insert(_ statement: SQL) async throws(StoreError) -> Rows {
        let rows = try await pipeline([
            Self.appending, statement,
        ])
        guard let answer = rows.last else { throw .bug("no answer") }
        return answer
    }

    private func columns(of events: [NewEvent]) async throws(StoreError) -> EventColumns {
        var columns = EventColumns()
        for (place, new) in events.enumerated() {
            columns.append(new, at: place, connection: try await number(of: new.event.connection))
        }
        return columns
    }

    func createPartitions() async throws(StoreError) {
        try await query("SELECT create_partitions(ahead => \(Retention.segmentsAhead))")
    }
}

/// The identity of a lane: the first 63 bits of a hash of its connection and key. It is made of
/// names alone, so it is the same in every database and known before the lane exists. Every
/// statement locks lanes in the order of this number.
func laneID(connection: ConnectionID, key: LaneKey) -> LaneID {
    let digest = SHA256.digest(Array("lane\0\(connection)\0\(key)".utf8))
    return LaneID(digest.prefix(8).reduce(Int64(0)) { $0 << 8 | Int64($1) } & .max)
}

/// Events as the arrays that the statement reads. Of each deduplication key only the first event is
/// among them.
private struct EventColumns {
    /// The position of each row's event in the batch.
    private(set) var places: [Int] = []
    private var known: Set<[UInt8]> = []
    private var hashes: [[UInt8]] = []
    private var lanes: [LaneID] = []
    private var connections: [Int32] = []
    private var keys: [String] = []
    private var ids: [String] = []
    private var sources: [String] = []
    private var kinds: [String] = []
    private var formats: [String] = []
    private var occurredAt: [Double] = []
    private var payloads: [Payload] = []
    private var replays = ReplayArrays()

    mutating func append(_ new: NewEvent, at place: Int, connection: Int32) {
        let event = new.event
        let name = "event\0\(event.connection)\0\(new.deduplicationKey)"
        let hash = Array(SHA256.digest(Array(name.utf8)).prefix(16))
        guard known.insert(hash).inserted else { return }
        replays.set(event.replay, row: places.count)
        places.append(place)
        hashes.append(hash)
        lanes.append(laneID(connection: event.connection, key: event.lane))
        connections.append(connection)
        keys.append(event.lane.rawValue.storable)
        ids.append(event.id.rawValue.storable)
        sources.append(event.source.rawValue)
        kinds.append(event.kind.rawValue.storable)
        formats.append(event.format.rawValue)
        occurredAt.append(event.occurredAt.storable)
        payloads.append(Payload(event.payload))
    }

    /// The statement locks deduplication keys in their order, and then lanes in their order, so
    /// concurrent batches cannot deadlock (Queue.md 7). A sequence is given under the lane's lock:
    /// in each lane the order of commits is the order of sequences (Queue.md 8), and segments never
    /// go back even if the clock does.
    ///
    /// Sorts and joins handle a few numbers of each row. Everything else is read from its array
    /// once, when it is written.
    var statement: SQL {
        """
        WITH input AS MATERIALIZED (
            SELECT hash, lane_id, row::int AS row
            FROM unnest(\(hashes), \(lanes)) WITH ORDINALITY AS t (hash, lane_id, row)),
        fresh AS (
            INSERT INTO deduplication (period, hash)
            SELECT (SELECT period_now()), hash FROM input
            WHERE (
                SELECT true FROM deduplication AS old
                WHERE old.period IN (period_now() - 1, period_now() - 2) AND old.hash = input.hash
                LIMIT 1) IS NULL
            ORDER BY hash
            ON CONFLICT DO NOTHING
            RETURNING hash),
        ranked AS MATERIALIZED (
            SELECT row, lane_id, count(*) OVER (PARTITION BY lane_id) AS added,
                row_number() OVER (PARTITION BY lane_id ORDER BY row) AS rank
            FROM input JOIN fresh USING (hash)),
        advanced AS (
            INSERT INTO lane AS l
                (lane_id, connection, key, tail, segment, tail_segment, state, ready_at)
            SELECT lane_id, (\(connections))[row], (\(keys))[row], added, (SELECT segment_now()),
                (SELECT segment_now()), 1, clock_timestamp()
            FROM ranked WHERE rank = 1 ORDER BY lane_id
            ON CONFLICT (lane_id) DO UPDATE SET
                tail = l.tail + excluded.tail,
                tail_segment = greatest(l.tail_segment, excluded.segment),
                segment = CASE WHEN l.state = 0 THEN greatest(l.tail_segment, excluded.segment)
                    ELSE l.segment END,
                state = CASE l.state WHEN 0 THEN 1 ELSE l.state END,
                ready_at = CASE l.state WHEN 0 THEN clock_timestamp() ELSE l.ready_at END
            RETURNING lane_id, connection, tail, tail_segment),
        placed AS MATERIALIZED (
            SELECT r.row, l.lane_id, l.connection, l.tail_segment,
                l.tail - r.added + r.rank AS sequence
            FROM ranked AS r JOIN advanced AS l USING (lane_id)),
        logged AS (
            INSERT INTO job (segment, lane_id, sequence, connection, occurred_at, event_id, source,
                kind, format, payload, replay_scope, replay_of, replay_effect_owner)
            SELECT tail_segment, lane_id, sequence, connection, to_timestamp((\(occurredAt))[row]),
                (\(ids))[row], (\(sources))[row], (\(kinds))[row], (\(formats))[row],
                (\(payloads))[row], (\(replays.scopes))[row], (\(replays.events))[row],
                (\(replays.effectOwners))[row]
            FROM placed)
        SELECT row, lane_id, sequence FROM placed
        """
    }
}

/// JSON text as `text`, without a `String` in between.
private struct Payload: Bindable {
    static let elementType = String.elementType
    static let arrayType = String.arrayType

    private let text: [UInt8]

    /// JSON holds no NUL. Other text that does is made storable.
    init(_ text: [UInt8]) {
        let holdsNul = text.withUnsafeBytes { bytes in
            bytes.baseAddress.flatMap { memchr($0, 0, bytes.count) } != nil
        }
        self.text = holdsNul ? Array(String(decoding: text, as: UTF8.self).storable.utf8) : text
    }

    func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: text) }
}

extension Timestamp {
    /// The seconds since 1970, limited to the years 1 to 9999.
    fileprivate var storable: Double {
        min(max(Double(milliseconds) / 1000, -62_135_596_800), 253_402_300_799)
    }
}
