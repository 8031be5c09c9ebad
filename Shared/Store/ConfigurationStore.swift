import JSON
import Models
import Postgres

/// The configuration in force.
public struct ActiveConfiguration: Equatable, Sendable {
    public let version: ConfigurationVersion
    public let configuration: Configuration
    /// Connections that are left out because they cannot be read, each with the reason.
    public let unreadable: [ConnectionID: String]
}

/// The connections in force, for programs that need no rules. An unreadable rule does not harm
/// them.
public struct ActiveConnections: Sendable {
    public let version: ConfigurationVersion
    public let connections: [Models.Connection]
    /// The same as in `ActiveConfiguration`.
    public let unreadable: [ConnectionID: String]

    public init(
        version: ConfigurationVersion, connections: [Models.Connection],
        unreadable: [ConnectionID: String] = [:]
    ) {
        self.version = version
        self.connections = connections
        self.unreadable = unreadable
    }
}

extension Store {
    /// The version in force; 0 if no configuration was ever applied. It is cheap to ask often.
    public func configurationVersion() async throws(StoreError) -> ConfigurationVersion {
        let rows = try await query("SELECT coalesce(max(version), 0) FROM configuration")
            .values(ConfigurationVersion.self)
        return rows.first ?? 0
    }

    /// Puts a whole configuration in force. Connections and rulesets that it does not name are
    /// switched off and kept: their events and the rules that decided them can still be read. The
    /// secrets of such a connection are deleted.
    ///
    /// - Parameters:
    ///   - author: the person's name, for the log.
    ///   - version: the version that the author has read.
    /// - Returns: the new version.
    /// - Throws: `.conflict` if another version is in force.
    public func apply(
        _ configuration: Configuration, by author: String,
        expecting version: ConfigurationVersion? = nil
    ) async throws(StoreError) -> ConfigurationVersion {
        guard let secretKeys else { throw .bug("no key to seal secrets with") }
        var rows: [ConnectionRow] = []
        for entry in configuration.entries { rows.append(try ConnectionRow(entry, secretKeys)) }
        let applied = try await run { pool throws(PostgresError) in
            try await pool.withTransaction { session throws(PostgresError) in
                try await Self.write(rows, by: author, expecting: version, in: session)
            }
        }
        guard let applied else { throw .conflict }
        return applied
    }

    /// - Returns: the new version, or nil if another version than the expected one is in force.
    private static func write(
        _ rows: [ConnectionRow], by author: String, expecting version: ConfigurationVersion?,
        in session: Session
    ) async throws(PostgresError) -> ConfigurationVersion? {
        // This makes other writers wait, and no reader.
        try await session.query("LOCK TABLE configuration IN EXCLUSIVE MODE")
        let latest = try await session.query(
            "SELECT coalesce(max(version), 0) FROM configuration"
        ).decoded(ConfigurationVersion.self)
        guard version == nil || version == latest.first else { return nil }
        let answer = try await session.query(
            "INSERT INTO configuration (applied_by) VALUES (\(author.storable)) RETURNING version")
        guard let new = try answer.decoded(ConfigurationVersion.self).first else {
            throw .row("no version")
        }
        let names = rows.map(\.id)
        _ = try await session.pipeline([
            "UPDATE connection SET is_active = false WHERE id <> ALL (\(names))",
            """
            DELETE FROM secret USING connection
            WHERE connection.number = secret.connection AND connection.id <> ALL (\(names))
            """,
        ])
        for row in rows { try await row.write(in: session, version: new) }
        return new
    }

    /// Loads the configuration in force, with its secrets. A connection that cannot be read is left
    /// out: a newer program may have stored it, or an older one something that is refused today.
    ///
    /// - Returns: nil if the version in force is not newer than `known`.
    /// - Throws: the first reason if no connection can be read, as with a wrong key.
    public func loadConfiguration(
        newerThan known: ConfigurationVersion? = nil
    ) async throws(StoreError) -> ActiveConfiguration? {
        guard let stored = try await load(newerThan: known) else { return nil }
        let (entries, unreadable) = try stored.reading { stored throws(StoreError) in
            Configuration.ConnectionEntry(
                connection: try stored.connection(secretKeys),
                rulesets: try Self.rulesets(stored.rulesets))
        }
        return ActiveConfiguration(
            version: stored.version, configuration: Configuration(entries: entries),
            unreadable: unreadable)
    }

    /// Loads the connections alone.
    public func loadConnections(
        newerThan known: ConfigurationVersion? = nil
    ) async throws(StoreError) -> ActiveConnections? {
        guard let stored = try await load(newerThan: known) else { return nil }
        let (connections, unreadable) = try stored.reading { stored throws(StoreError) in
            try stored.connection(secretKeys)
        }
        return ActiveConnections(
            version: stored.version, connections: connections, unreadable: unreadable)
    }

    /// The rulesets that were in force at a version, to explain decisions of that time.
    public func rulesets(
        of connection: ConnectionID, at version: ConfigurationVersion
    ) async throws(StoreError) -> [Ruleset] {
        let rows = try await query(Self.rulesetsStatement(at: version))
            .values(String.self, String.self)
        return try Self.rulesets(rows.filter { $0.0 == connection.rawValue }.map(\.1))
    }

    private func load(newerThan known: ConfigurationVersion?) async throws(StoreError)
        -> StoredConfiguration?
    {
        let version = try await configurationVersion()
        guard version > known ?? -1 else { return nil }
        // These are read later than the version: at worst the caller loads once more.
        let rows = try await pipeline([
            "SELECT id, configuration FROM connection WHERE is_active ORDER BY number",
            """
            SELECT connection.id, name, key_id, sealed
            FROM secret JOIN connection ON connection.number = secret.connection
            WHERE is_active
            """,
            Self.rulesetsStatement(at: version),
        ])
        guard rows.count == 3 else { throw .bug("\(rows.count) answers instead of 3") }
        let secrets = Dictionary(
            grouping: try rows[1].mapped { row throws(PostgresError) in try SecretRow(row) },
            by: \.connection)
        let rulesets = Dictionary(
            grouping: try rows[2].values(String.self, String.self), by: { ConnectionID($0.0) })
        let connections = try rows[0].values(String.self, String.self).map { name, text in
            let id = ConnectionID(name)
            return StoredConnection(
                id: id, configuration: text, secrets: secrets[id] ?? [],
                rulesets: rulesets[id]?.map(\.1) ?? [])
        }
        return StoredConfiguration(version: version, connections: connections)
    }

    private static func rulesetsStatement(at version: ConfigurationVersion) -> SQL {
        """
        SELECT id, document FROM (
            SELECT DISTINCT ON (connection.number, name) connection.id, connection.number, name,
                position, document, is_removed
            FROM ruleset_version JOIN connection ON connection.number = ruleset_version.connection
            WHERE since <= \(version)
            ORDER BY connection.number, name, version DESC) AS latest
        WHERE NOT is_removed
        ORDER BY number, position, name
        """
    }

    private static func rulesets(_ documents: [String]) throws(StoreError) -> [Ruleset] {
        var rulesets: [Ruleset] = []
        for document in documents {
            let problems = JSONProblems()
            let reader = JSONReader(try parsed(document), problems: problems)
            guard let ruleset = Ruleset(reading: reader) else {
                throw .corrupt("a stored ruleset is unreadable: \(problems.all)")
            }
            rulesets.append(ruleset)
        }
        return rulesets
    }

    static func parsed(_ text: String) throws(StoreError) -> JSON {
        do {
            return try JSON(parsing: text)
        } catch {
            throw .corrupt("stored JSON is unreadable: \(error)")
        }
    }
}
