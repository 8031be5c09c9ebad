import JSON
import Models
import Postgres

/// The stored context of a batch of events.
public struct StoredLaneContext: Sendable {
    /// The links of the incidents and records.
    public let links: [Link]
    /// The entries that are in the journal.
    public let echoes: Set<JournalEntry>
    /// The facts on which an earlier attempt judged the rules, for each job whose effects it began.
    public let begun: [JobName: JSON]
}

/// The identity of a job among those of all lanes.
public struct JobName: Hashable, Sendable {
    public let lane: LaneID
    public let sequence: Int64
    let segment: Segment

    public init(_ job: Job, in lane: LaneID) {
        self.lane = lane
        sequence = job.sequence
        segment = job.segment
    }
}

extension Store {
    /// The context of many lanes of a connection, in one round trip.
    public func laneContext(
        incidents: [IncidentID], records: [RecordID], entries: [JournalEntry],
        jobs: [JobName] = [], in connection: ConnectionID
    ) async throws(StoreError) -> StoredLaneContext {
        let number = try await number(of: connection)
        let answers = try await runByIndex([
            """
            SELECT incident_id, object, record_id FROM link
            WHERE connection = \(number)
                AND incident_id = ANY (\(incidents.map(\.rawValue.storable)))
            UNION
            SELECT incident_id, object, record_id FROM link
            WHERE connection = \(number) AND record_key = ANY (\(records.map(\.key)))
            """,
            entries.remembered(by: number), jobs.begun,
        ])
        guard answers.count == 3 else { throw .bug("\(answers.count) answers instead of 3") }
        let links = try answers[0].mapped { row throws(PostgresError) -> Link? in
            let (incident, object, record) = try row.decoded(
                String.self, String.self, String.self)
            return RecordID(record).map {
                Link(incident: IncidentID(incident), object: object, record: $0)
            }
        }
        let places = try answers[1].values(Int.self)
        let begun = try answers[2].mapped { row throws(PostgresError) -> (JobName, JSON) in
            let (place, facts) = try row.decoded(Int.self, String.self)
            return (jobs[place - 1], try JSON(stored: facts))
        }
        return StoredLaneContext(
            links: links.compactMap { $0 }, echoes: Set(places.map { entries[$0 - 1] }),
            begun: Dictionary(begun, uniquingKeysWith: { $1 }))
    }

    /// The facts on which the rules were judged when effects of the job were begun; nil if none
    /// were.
    public func begunFacts(of job: Job, in lane: LaneID) async throws(StoreError) -> JSON? {
        let name = JobName(job, in: lane)
        guard let rows = try await runByIndex([[name].begun]).last else {
            throw .bug("no answer")
        }
        return try rows.mapped { row throws(PostgresError) in
            try JSON(stored: try row.decoded(Int.self, String.self).1)
        }.first
    }
}

extension JSON {
    /// Reads JSON of the tables, however long its texts are.
    init(stored text: String) throws(PostgresError) {
        do {
            try self.init(
                parsing: Array(text.utf8), limits: .accepted(bytes: text.utf8.count))
        } catch {
            throw .value("stored JSON cannot be read: \(error)")
        }
    }
}

extension [JobName] {
    /// The facts of jobs with begun effects, by their positions from 1.
    fileprivate var begun: SQL {
        """
        SELECT place, begun.facts
        FROM unnest(\(map(\.lane)), \(map(\.sequence)), \(map(\.segment))) WITH ORDINALITY
                AS input (lane_id, sequence, segment, place),
            LATERAL (
                SELECT facts FROM effect
                WHERE effect.lane_id = input.lane_id AND effect.sequence = input.sequence
                    AND effect.segment = input.segment AND facts IS NOT NULL
                LIMIT 1) AS begun
        """
    }
}
