import Models
import Postgres

/// One entry of a configuration in the form of the tables, with sealed secrets.
struct ConnectionRow: Sendable {
    let id: String
    private let configuration: String
    private let secretNames: [String]
    private let secretKeyIDs: [String]
    private let secretBytes: [[UInt8]]
    private let rulesetNames: [String]
    private let rulesets: [String]

    init(_ entry: Configuration.ConnectionEntry, _ keys: SecretKeys) throws(StoreError) {
        let (json, secrets) = entry.connection.separated
        id = entry.connection.id.rawValue
        configuration = json.text
        var names: [String] = []
        var sealed: [SecretKeys.Sealed] = []
        for (name, secret) in secrets.sorted(by: { $0.key < $1.key }) {
            names.append(name)
            sealed.append(try keys.seal(secret, at: SecretRow.place(of: name, in: id)))
        }
        secretNames = names
        secretKeyIDs = sealed.map(\.keyID)
        secretBytes = sealed.map(\.bytes)
        rulesetNames = entry.rulesets.map(\.name.storable)
        rulesets = entry.rulesets.map(\.json.text)
    }

    func write(in session: Session, version: ConfigurationVersion) async throws(PostgresError) {
        let numbers = try await session.query(
            """
            INSERT INTO connection (id, configuration) VALUES (\(id), \(configuration))
            ON CONFLICT (id) DO UPDATE SET configuration = excluded.configuration, is_active = true
            RETURNING number
            """
        ).decoded(Int32.self)
        guard let number = numbers.first else { throw .row("no number for \(id)") }
        _ = try await session.pipeline([
            "DELETE FROM secret WHERE connection = \(number)",
            """
            INSERT INTO secret (connection, name, key_id, sealed)
            SELECT \(number), new.*
            FROM unnest(\(secretNames), \(secretKeyIDs), \(secretBytes)) AS new
            """,
            rulesetsChanged(number, version), rulesetsRemoved(number, version),
        ])
    }

    /// Adds a version of each ruleset that changed.
    private func rulesetsChanged(_ number: Int32, _ version: ConfigurationVersion) -> SQL {
        """
        INSERT INTO ruleset_version (connection, name, version, since, position, document)
        SELECT \(number), new.name, coalesce(old.version, 0) + 1, \(version), new.position,
            new.document
        FROM unnest(\(rulesetNames), \(rulesets)) WITH ORDINALITY AS new (name, document, position)
        LEFT JOIN (\(Self.latest(number))) AS old USING (name)
        WHERE old.name IS NULL OR old.is_removed OR old.document <> new.document
            OR old.position <> new.position
        """
    }

    private func rulesetsRemoved(_ number: Int32, _ version: ConfigurationVersion) -> SQL {
        """
        INSERT INTO ruleset_version
            (connection, name, version, since, position, document, is_removed)
        SELECT \(number), name, version + 1, \(version), position, document, true
        FROM (\(Self.latest(number))) AS old
        WHERE NOT is_removed AND name <> ALL (\(rulesetNames))
        """
    }

    private static func latest(_ number: Int32) -> SQL {
        """
        SELECT DISTINCT ON (name) name, version, position, document, is_removed
        FROM ruleset_version WHERE connection = \(number)
        ORDER BY name, version DESC
        """
    }
}

struct SecretRow {
    let connection: ConnectionID
    let name: String
    private let sealed: SecretKeys.Sealed

    init(_ row: Row) throws(PostgresError) {
        let (connection, name, key, bytes) = try row.decoded(
            String.self, String.self, String.self, [UInt8].self)
        self.connection = ConnectionID(connection)
        self.name = name
        sealed = SecretKeys.Sealed(keyID: key, bytes: bytes)
    }

    func opened(by keys: SecretKeys) throws(StoreError) -> SecretText {
        try keys.open(sealed, at: Self.place(of: name, in: connection.rawValue))
    }

    static func place(of name: String, in connection: String) -> String {
        "\(connection)/\(name)"
    }
}
