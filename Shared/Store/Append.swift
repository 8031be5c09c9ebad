import Crypto
import Models
import Postgres

/// What became of an event on its way into the log.
public enum Appended: Equatable, Sendable {
    case accepted(lane: Int64, sequence: Int64)
    /// The connection has seen this deduplication key in the last 30 days, or earlier in this
    /// batch.
    case duplicate
}

extension Store {
    /// Appends to the log, in one commit that is on disk when this returns.
    ///
    /// Events of one lane get sequences in the order in which they stand here. A call that failed
    /// may be repeated: what it did write answers `.duplicate` then.
    ///
    /// - Parameter events: of known connections; their payloads together should stay under a few
    ///   MiB.
    /// - Returns: an answer for each event, in the same order.
    public func append(_ events: [NewEvent]) async throws(StoreError) -> [Appended] {
        guard !events.isEmpty else { return [] }
        let statement = try await columns(of: events).statement
        let rows = try await insertMakingRoom(statement)
        var answers = [Appended](repeating: .duplicate, count: events.count)
        let accepted = try rows.mapped { row throws(PostgresError) in
            try row.decoded(Int.self, Int64.self, Int64.self)
        }
        for (place, lane, sequence) in accepted where answers.indices.contains(place - 1) {
            answers[place - 1] = .accepted(lane: lane, sequence: sequence)
        }
        return answers
    }

    /// The only constraint that this statement can break is that a partition exists.
    private func insertMakingRoom(_ statement: SQL) async throws(StoreError) -> Rows {
        do throws(StoreError) {
            return try await insert(statement)
        } catch .defect(let message) where message.hasPrefix("constraint") {
            try await createPartitions()
            return try await insert(statement)
        }
    }

    private func insert(_ statement: SQL) async throws(StoreError) -> Rows {
        let rows = try await run { pool throws(PostgresError) in
            try await pool.pipeline([
                """
                SELECT set_config('synchronous_commit', 'on', true), set_config('jit', 'off', true),
                    set_config('enable_seqscan', 'off', true)
                """, statement,
            ])
        }
        guard let answer = rows.last else { throw .defect("no answer") }
        return answer
    }

    private func columns(of events: [NewEvent]) async throws(StoreError) -> EventColumns {
        var columns = EventColumns()
        for new in events {
            columns.append(new, connection: try await number(of: new.event.connection))
        }
        return columns
    }

    func createPartitions() async throws(StoreError) {
        _ = try await run { pool throws(PostgresError) in
            try await pool.query("SELECT create_partitions(ahead => \(Retention.segmentsAhead))")
        }
    }
}

/// The identity of a lane: the first 63 bits of a hash of its connection and key. Every statement
/// locks lanes in the order of this number, which is the same for all, before and after a lane
/// exists. It is made of names alone, so it is the same in every database.
func laneID(connection: ConnectionID, key: LaneKey) -> Int64 {
    let digest = SHA256.digest(Array("lane\0\(connection)\0\(key)".utf8))
    return digest.prefix(8).reduce(Int64(0)) { $0 << 8 | Int64($1) } & .max
}

/// Events as the arrays that the statement unnests.
private struct EventColumns {
    private var hashes: [[UInt8]] = []
    private var lanes: [Int64] = []
    private var connections: [Int32] = []
    private var keys: [String] = []
    private var ids: [String] = []
    private var sources: [String] = []
    private var kinds: [String] = []
    private var formats: [String] = []
    private var occurredAt: [Double] = []
    private var payloads: [String] = []

    mutating func append(_ new: NewEvent, connection: Int32) {
        let event = new.event
        let name = "event\0\(event.connection)\0\(new.deduplicationKey)"
        let digest = SHA256.digest(Array(name.utf8))
        hashes.append(Array(digest.prefix(16)))
        lanes.append(laneID(connection: event.connection, key: event.lane))
        connections.append(connection)
        keys.append(event.lane.rawValue.storable)
        ids.append(event.id.rawValue.storable)
        sources.append(event.source.rawValue)
        kinds.append(event.kind.rawValue.storable)
        formats.append(event.format.rawValue)
        occurredAt.append(event.occurredAt.storableSeconds)
        payloads.append(String(decoding: event.payload, as: UTF8.self).storable)
    }

    /// All locks on deduplication keys, in the order of keys, come before all locks on lanes, in
    /// the order of lanes: concurrent batches cannot deadlock. A sequence and the segment are given
    /// under the lane's lock, so in each lane the order of commits is the order of sequences, and
    /// segments never go back even if the clock does.
    var statement: SQL {
        """
        WITH input AS MATERIALIZED (
            SELECT DISTINCT ON (hash) *
            FROM unnest(\(hashes), \(lanes), \(connections), \(keys), \(ids), \(sources), \(kinds),
                    \(formats), \(occurredAt), \(payloads)) WITH ORDINALITY
                AS t (hash, lane_id, connection, key, event_id, source, kind, format, occurred,
                    payload, place)
            ORDER BY hash, place),
        fresh AS (
            INSERT INTO deduplication (period, hash)
            SELECT period_now(), hash FROM input
            WHERE (
                SELECT true FROM deduplication AS old
                WHERE old.period IN (period_now() - 1, period_now() - 2) AND old.hash = input.hash
                LIMIT 1) IS NULL
            ORDER BY hash
            ON CONFLICT DO NOTHING
            RETURNING hash),
        accepted AS MATERIALIZED (
            SELECT input.* FROM input JOIN fresh USING (hash)),
        touched AS (
            SELECT lane_id, min(connection) AS connection, min(key) AS key, count(*) AS added,
                segment_now() AS segment
            FROM accepted GROUP BY lane_id),
        advanced AS (
            INSERT INTO lane AS l
                (lane_id, connection, key, tail, segment, tail_segment, state, ready_at)
            SELECT lane_id, connection, key, added, segment, segment, 1, now()
            FROM touched ORDER BY lane_id
            ON CONFLICT (lane_id) DO UPDATE SET
                tail = l.tail + excluded.tail,
                tail_segment = greatest(l.tail_segment, excluded.segment),
                segment = CASE WHEN l.state = 0 THEN greatest(l.tail_segment, excluded.segment)
                    ELSE l.segment END,
                state = CASE l.state WHEN 0 THEN 1 ELSE l.state END,
                ready_at = CASE l.state WHEN 0 THEN now() ELSE l.ready_at END
            RETURNING lane_id, tail, tail_segment),
        placed AS MATERIALIZED (
            SELECT a.*, l.tail_segment AS segment,
                l.tail - t.added + row_number() OVER (PARTITION BY a.lane_id ORDER BY a.place)
                    AS sequence
            FROM accepted AS a JOIN touched AS t USING (lane_id)
                JOIN advanced AS l USING (lane_id)),
        logged AS (
            INSERT INTO job (segment, lane_id, sequence, connection, occurred_at, event_id, source,
                kind, format, payload)
            SELECT segment, lane_id, sequence, connection, to_timestamp(occurred), event_id, source,
                kind, format, payload
            FROM placed)
        SELECT place, lane_id, sequence FROM placed
        """
    }
}

extension Timestamp {
    /// Seconds since 1970, kept within the years 1 to 9999.
    fileprivate var storableSeconds: Double {
        min(max(Double(milliseconds) / 1000, -62_135_596_800), 253_402_300_799)
    }
}
