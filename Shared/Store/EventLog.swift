import JSON
import Models
import Postgres

/// An event in the log, with its row of the ledger if it is settled.
public struct LoggedEvent: Equatable, Sendable {
    public struct LedgerEntry: Equatable, Sendable {
        public let outcome: Outcome
        public let attempt: Int
        public let worker: WorkerID?
        public let settledAt: Timestamp
        public let facts: JSON?
        public let configurationVersion: ConfigurationVersion?
    }

    public let job: Job
    public let lane: LaneID
    public let appendedAt: Timestamp
    public let ending: LedgerEntry?
    /// The reason why the event still waits, if a worker had it and put it off.
    public let postponement: Postponement?
    /// The event's position in the log, from which `events(before:)` goes on.
    public let cursor: EventCursor
}

/// A position in the log, which is read from the newest event on.
public struct EventCursor: Equatable, Sendable, CustomStringConvertible {
    let appendedMicroseconds: Int64
    let lane: LaneID
    let sequence: Int64

    init(appendedMicroseconds: Int64, lane: LaneID, sequence: Int64) {
        self.appendedMicroseconds = appendedMicroseconds
        self.lane = lane
        self.sequence = sequence
    }

    /// Reads a text that `description` wrote.
    public init?(_ text: String) {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard numbers.count == 3, let appended = numbers[0], let lane = numbers[1],
            let sequence = numbers[2]
        else { return nil }
        self.init(appendedMicroseconds: appended, lane: LaneID(lane), sequence: sequence)
    }

    public var description: String { "\(appendedMicroseconds).\(lane).\(sequence)" }
}

public struct EventFilter: Equatable, Sendable {
    public enum EventScope: Equatable, Sendable {
        case all
        case connection(ConnectionID)
        case lane(LaneKey, of: ConnectionID)
    }

    public enum EventStatus: String, CaseIterable, Sendable {
        case waiting, applied, unmatched, ignored, failed
    }

    public var scope: EventScope
    public var kind: EventKind?
    public var status: EventStatus?

    public init(_ scope: EventScope = .all, kind: EventKind? = nil, status: EventStatus? = nil) {
        self.scope = scope
        self.kind = kind
        self.status = status
    }
}

extension Store {
    /// Events in the order in which they were appended, the newest first.
    public func events(
        _ filter: EventFilter = EventFilter(), before cursor: EventCursor? = nil, limit: Int = 50
    ) async throws(StoreError) -> [LoggedEvent] {
        var condition: SQL = "job.connection = connection.number"
        switch filter.scope {
        case .all: break
        case .connection(let connection):
            condition = "\(condition) AND job.connection = \(try await number(of: connection))"
        case .lane(let key, let connection):
            let lane = laneID(connection: connection, key: key)
            condition = """
                \(condition) AND job.connection = \(try await number(of: connection))
                    AND job.lane_id = \(lane)
                """
        }
        if let kind = filter.kind {
            condition = "\(condition) AND job.kind = \(kind.rawValue.storable)"
        }
        if let status = filter.status { condition = "\(condition) AND \(status.condition)" }
        if let cursor { condition = "\(condition) AND \(cursor.condition)" }
        return try await loggedEvents(where: condition, limit: limit)
    }

    /// The event with this id. An id may come again after its key was forgotten; then the newest
    /// event counts.
    public func event(
        _ id: EventID, of connection: ConnectionID
    ) async throws(StoreError) -> LoggedEvent? {
        let number = try await number(of: connection)
        return try await loggedEvents(
            where: """
                job.connection = connection.number AND job.connection = \(number)
                AND job.event_id = \(id.rawValue.storable)
                """, limit: 1
        ).first
    }

    /// Appends the event once more, as a new event of the same lane. The replayed event keeps its
    /// row in the ledger.
    ///
    /// - Returns: the new event, or nil if there is no event with this id.
    public func replay(
        _ id: EventID, of connection: ConnectionID, doing scope: ReplayScope = .rest,
        nonce: String
    ) async throws(StoreError) -> Event? {
        guard let original = try await event(id, of: connection)?.job.event else { return nil }
        let event = original.replayed(scope, nonce: nonce)
        _ = try await append([NewEvent(event: event, deduplicationKey: event.id.rawValue)])
        return event
    }

    /// Reads each connection by its index, up to the limit.
    private func loggedEvents(
        where condition: SQL, limit: Int
    ) async throws(StoreError) -> [LoggedEvent] {
        let rows = try await query(
            """
            SELECT connection.id, event.*,
                (SELECT key FROM lane WHERE lane.lane_id = event.lane_id),
                s.outcome, s.detail, s.facts, s.attempt, s.worker, s.configuration,
                (extract(epoch FROM s.settled_at) * 1000)::bigint,
                p.cause, p.attempt, (extract(epoch FROM p.postponed_at) * 1000)::bigint,
                (SELECT (extract(epoch FROM ready_at) * 1000)::bigint FROM lane
                    WHERE lane.lane_id = p.lane_id)
            FROM connection, LATERAL (
                SELECT segment, lane_id, sequence, event_id, source, kind, format,
                    (extract(epoch FROM occurred_at) * 1000)::bigint AS occurred,
                    (extract(epoch FROM appended_at) * 1000000)::bigint AS appended, payload,
                    replay_scope, replay_of, replay_effect_owner
                FROM job WHERE \(condition)
                ORDER BY appended_at DESC, lane_id DESC, sequence DESC LIMIT \(limit)) AS event
            LEFT JOIN settlement AS s
                ON (s.lane_id, s.sequence, s.segment)
                    = (event.lane_id, event.sequence, event.segment)
            LEFT JOIN postponement AS p
                ON (p.lane_id, p.sequence) = (event.lane_id, event.sequence)
                    AND s.outcome IS NULL
            ORDER BY event.appended DESC, event.lane_id DESC, event.sequence DESC
            LIMIT \(limit)
            """)
        return try rows.mapped { row throws(PostgresError) in try LoggedEvent(row) }
    }
}

extension EventFilter.EventStatus {
    /// The condition holds the outcome's name and no parameter, because the index on failed events
    /// needs the name itself.
    fileprivate var condition: SQL {
        let ledger: SQL = """
            SELECT FROM settlement AS s
            WHERE (s.lane_id, s.sequence, s.segment) = (job.lane_id, job.sequence, job.segment)
            """
        return switch self {
        case .waiting: "NOT EXISTS (\(ledger))"
        case .applied, .unmatched, .ignored, .failed:
            "EXISTS (\(ledger) AND s.outcome = '\(unescaped: rawValue)')"
        }
    }
}

extension EventCursor {
    fileprivate var condition: SQL {
        """
        (job.appended_at, job.lane_id, job.sequence)
            < (timestamptz 'epoch' + \(appendedMicroseconds) * interval '1 microsecond',
                \(lane), \(sequence))
        """
    }
}

extension LoggedEvent {
    fileprivate init(_ row: Row) throws(PostgresError) {
        var row = row.reader
        let connection: String = try row.next()
        let segment: Segment = try row.next()
        let lane: LaneID = try row.next()
        let sequence: Int64 = try row.next()
        let id: String = try row.next()
        let (source, kind, format): (String, String, String) =
            (try row.next(), try row.next(), try row.next())
        let occurred: Int64 = try row.next()
        let appendedMicroseconds: Int64 = try row.next()
        let payload: String = try row.next()
        let replay = try ReplayColumns(reading: &row)
        let key: String? = try row.next()
        ending = try LedgerEntry(reading: &row)
        postponement = try Postponement(reading: &row)
        try row.end()
        guard let source = EventSource(rawValue: source),
            let format = EventFormat(rawValue: format), replay.isReadable
        else { throw .value("an event of a newer program: \(source), \(format)") }
        let event = Event(
            id: EventID(id), connection: ConnectionID(connection), source: source,
            kind: EventKind(rawValue: kind), occurredAt: Timestamp(milliseconds: occurred),
            lane: LaneKey(key ?? ""), format: format, payload: Array(payload.utf8),
            replay: replay.origin)
        job = Job(sequence: sequence, segment: segment, event: event)
        self.lane = lane
        appendedAt = Timestamp(milliseconds: appendedMicroseconds / 1000)
        cursor = EventCursor(
            appendedMicroseconds: appendedMicroseconds, lane: lane, sequence: sequence)
    }
}

extension LoggedEvent.LedgerEntry {
    /// Returns nil if the event is not settled.
    fileprivate init?(reading row: inout RowReader) throws(PostgresError) {
        let name: String? = try row.next()
        let detail: String? = try row.next()
        let facts: String? = try row.next()
        let attempt: Int? = try row.next()
        worker = try row.next()
        configurationVersion = try row.next()
        let settled: Int64? = try row.next()
        guard let name else { return nil }
        guard
            let outcome = Outcome(name: name, detail: detail.flatMap { try? JSON(parsing: $0) }),
            let attempt, let settled
        else { throw .value("an outcome of a newer program: \(name)") }
        self.outcome = outcome
        self.attempt = attempt
        self.facts = facts.flatMap { try? JSON(stored: $0) }
        settledAt = Timestamp(milliseconds: settled)
    }
}
