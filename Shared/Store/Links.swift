import JSON
import Models
import Postgres

/// Links between incidents and records that belong together, many to many.
extension Store {
    public func links(
        incident: IncidentID, in connection: ConnectionID
    ) async throws(StoreError) -> [Link] {
        try await links(in: connection, where: "incident_id = \(incident.rawValue.storable)")
    }

    public func links(
        records: [RecordID], in connection: ConnectionID
    ) async throws(StoreError) -> [Link] {
        try await links(in: connection, where: "record_key = ANY (\(records.map(\.key)))")
    }

    /// Links an incident and a record; a link that exists stays as it is. Effects record their
    /// links with `finish`.
    public func link(_ link: Link, in connection: ConnectionID) async throws(StoreError) {
        let number = try await number(of: connection)
        try await query(
            """
            WITH one AS (SELECT \(number) AS connection, \([link].json.text)::text AS links)
            \(Link.insertion(from: "one"))
            """)
    }

    /// Removes the record's links to all incidents.
    public func unlink(_ record: RecordID, in connection: ConnectionID) async throws(StoreError) {
        let number = try await number(of: connection)
        try await query(
            "DELETE FROM link WHERE connection = \(number) AND record_key = \(record.key)")
    }

    /// The links that match the condition, the oldest first.
    private func links(
        in connection: ConnectionID, where condition: SQL
    ) async throws(StoreError) -> [Link] {
        let number = try await number(of: connection)
        let rows = try await query(
            """
            SELECT incident_id, object, record_id FROM link
            WHERE connection = \(number) AND \(condition)
            ORDER BY linked_at, incident_id, record_key
            """
        ).values(String.self, String.self, String.self)
        return rows.compactMap { incident, object, record in
            RecordID(record).map {
                Link(incident: IncidentID(incident), object: object, record: $0)
            }
        }
    }
}

extension [Link] {
    /// The form that `Link.insertion` reads.
    var json: JSON {
        .array(
            map { link in
                [
                    "incident_id": .string(link.incident.rawValue.storable),
                    "record_key": .string(link.record.key), "record_id": .string(link.record.long),
                    "object": .string(link.object.storable),
                ]
            })
    }
}

extension Link {
    /// - Parameter source: rows with a `connection` and its `links` as JSON.
    static func insertion(from source: SQL) -> SQL {
        """
        INSERT INTO link (connection, incident_id, record_key, record_id, object)
        SELECT connection, new.* FROM \(source), jsonb_to_recordset(links::jsonb)
            AS new (incident_id text, record_key text, record_id text, object text)
        ORDER BY connection, incident_id, record_key
        ON CONFLICT DO NOTHING
        """
    }
}
