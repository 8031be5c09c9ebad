import JSON

/// Counts what was applied: each `apply` makes the next version. 0 stands before the first.
public struct ConfigurationVersion: NumericIdentifier {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}

/// The configuration that an administrator writes: the accounts, and the rules for each.
public struct Configuration: Hashable, Sendable {
    public struct ConnectionEntry: Hashable, Sendable {
        public var connection: Connection
        public var rulesets: [Ruleset]

        public init(connection: Connection, rulesets: [Ruleset]) {
            self.connection = connection
            self.rulesets = rulesets
        }
    }

    public var entries: [ConnectionEntry]

    public static let connectionsMax = 1000

    public init(entries: [ConnectionEntry]) { self.entries = entries }

    /// Reads `{"connections": [...]}`, where a connection carries its `rulesets`. Notes every
    /// problem at its pointer; nil if there is one.
    ///
    /// - Parameter patternProblem: the reason for which a text is no regular expression (see
    ///   `Ruleset`).
    public init?(
        reading reader: JSONReader, secrets: SecretResolver,
        patternProblem: @escaping (String) -> String?
    ) {
        let before = reader.problems.all.count
        let keys = reader.keyed(by: ConfigurationKey.self)
        let connections = keys.required(.connections)?.elements() ?? []
        if connections.count > Self.connectionsMax {
            keys.problem("there may be \(Self.connectionsMax)", at: .connections)
        }
        keys.refuseOthers()
        var seen: Set<ConnectionID> = []
        entries = connections.compactMap { element in
            let element = element.keyed(by: ConnectionKey.self)
            let rulesets = element.member(.rulesets).map {
                Ruleset.list(reading: $0, patternProblem: patternProblem) ?? []
            }
            let connection = Connection(reading: element.reader, secrets: secrets)
            Connection.check(element.reader)
            guard let connection else { return nil }
            if !seen.insert(connection.id).inserted {
                element.problem("\"\(connection.id)\" is used twice", at: .id)
            }
            return ConnectionEntry(connection: connection, rulesets: rulesets ?? [])
        }
        if reader.problems.all.count > before { return nil }
    }
}
