import JSON
import Models

/// A configuration in the form of the tables, not read yet.
struct StoredConfiguration {
    let version: ConfigurationVersion
    let connections: [StoredConnection]

    /// Reads the connections that can be read. `unreadable` tells the reason for each of the
    /// others.
    ///
    /// - Throws: the first reason if no connection can be read.
    func reading<Value>(
        _ read: (StoredConnection) throws(StoreError) -> Value
    ) throws(StoreError) -> (values: [Value], unreadable: [ConnectionID: String]) {
        var values: [Value] = []
        var unreadable: [ConnectionID: String] = [:]
        var first: StoreError?
        for connection in connections {
            do {
                values.append(try read(connection))
            } catch {
                guard error.isPermanent else { throw error }
                first = first ?? error
                unreadable[connection.id] = error.description
            }
        }
        if values.isEmpty, let first { throw first }
        return (values, unreadable)
    }
}

struct StoredConnection {
    let id: ConnectionID
    let configuration: String
    let secrets: [SecretRow]
    let rulesets: [String]

    func connection(_ keys: SecretKeys?) throws(StoreError) -> Models.Connection {
        guard let keys else { throw .bug("no key to open secrets with") }
        var opened: [String: SecretText] = [:]
        for secret in secrets { opened[secret.name] = try secret.opened(by: keys) }
        let problems = JSONProblems()
        let reader = JSONReader(try Store.parsed(configuration), problems: problems)
        let connection = Models.Connection(
            reading: reader, secrets: Models.Connection.resolver(of: opened))
        guard let connection, problems.all.isEmpty else {
            throw .corrupt("the stored connection \(id) is unreadable: \(problems.all)")
        }
        return connection
    }
}
