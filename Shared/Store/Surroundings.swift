import Models
import Postgres

/// What is known around a batch of events.
public struct StoredSurroundings: Sendable {
    /// Of the incidents and the records asked for.
    public let links: [Link]
    /// Of the entries asked for, those that stand in the journal.
    public let echoes: Set<JournalEntry>
}

extension Store {
    /// Links and journal for many lanes of a connection, in one round trip.
    public func surroundings(
        incidents: [IncidentID], records: [RecordID], entries: [JournalEntry],
        in connection: ConnectionID
    ) async throws(StoreError) -> StoredSurroundings {
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
            entries.remembered(by: number),
        ])
        guard answers.count == 2 else { throw .defect("\(answers.count) answers instead of 2") }
        let links = try answers[0].mapped { row throws(PostgresError) -> Link? in
            let (incident, object, record) = try row.decoded(
                String.self, String.self, String.self)
            return RecordID(record).map {
                Link(incident: IncidentID(incident), object: object, record: $0)
            }
        }
        let places = try answers[1].mapped { row throws(PostgresError) in
            try row.decoded(Int.self)
        }
        return StoredSurroundings(
            links: links.compactMap { $0 }, echoes: Set(places.map { entries[$0 - 1] }))
    }
}
