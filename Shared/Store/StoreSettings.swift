import Postgres
import Runtime

/// What every program is told about the database. A value that cannot be read is noted by its name,
/// never repeated: both are secrets.
extension EnvironmentReader {
    public mutating func address(_ name: String = "DATABASE_URL") -> Address {
        address(secret(name), name)
    }

    public mutating func optionalAddress(_ name: String) -> Address? {
        optionalSecret(name).map { address($0, name) }
    }

    /// Opens and seals the secrets of connections.
    public mutating func secretKeys(_ name: String = "MASTER_KEY") -> SecretKeys {
        secretKeys(secret(name), name)
    }

    public mutating func optionalSecretKeys(_ name: String = "MASTER_KEY") -> SecretKeys? {
        optionalSecret(name).map { secretKeys($0, name) }
    }

    private mutating func address(_ url: Secret, _ name: String) -> Address {
        // An empty one is the stand-in of a secret whose problem is noted already.
        if url.revealed.isEmpty { return .default }
        if let address = Address(url.revealed) { return address }
        problem(name, "is no connection string of PostgreSQL")
        return .default
    }

    private mutating func secretKeys(_ key: Secret, _ name: String) -> SecretKeys {
        if key.revealed.isEmpty { return .none }
        do {
            return try SecretKeys(text: key.revealed)
        } catch {
            problem(name, error.description)
            return .none
        }
    }
}
