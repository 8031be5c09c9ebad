import Postgres
import Runtime

/// The settings of the database, which every program reads. A problem names a setting and does not
/// repeat its value, which is secret.
extension EnvironmentReader {
    public mutating func address(_ name: String = "DATABASE_URL") -> Address {
        address(secret(name), name)
    }

    public mutating func optionalAddress(_ name: String) -> Address? {
        optionalSecret(name).map { address($0, name) }
    }

    /// Reads the key that opens and seals the secrets of connections.
    public mutating func secretKeys(_ name: String = "MASTER_KEY") -> SecretKeys {
        secretKeys(secret(name), name)
    }

    public mutating func optionalSecretKeys(_ name: String = "MASTER_KEY") -> SecretKeys? {
        optionalSecret(name).map { secretKeys($0, name) }
    }

    private mutating func address(_ url: Secret, _ name: String) -> Address {
        // A secret whose problem is noted already comes empty.
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
