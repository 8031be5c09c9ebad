import Foundation
import Postgres
import Runtime
import Store

/// The environment of a command, read once before it begins.
struct ConsoleConfiguration: Sendable {
    let address: Address
    /// The keys that seal the connections' secrets. Only `apply` needs them.
    let secretKeys: SecretKeys?
    /// The database to which `move` copies a connection.
    private let target: Address?
    /// The name that stands beside a new version.
    let author: String

    static let environment = ProcessInfo.processInfo.environment

    static func read(
        _ environment: [String: String], needsMasterKey: Bool = false
    ) throws(CommandError) -> ConsoleConfiguration {
        do {
            return try EnvironmentReader.read(environment) { reader in
                ConsoleConfiguration(
                    address: reader.address(),
                    secretKeys: needsMasterKey
                        ? reader.secretKeys() : reader.optionalSecretKeys(),
                    target: reader.optionalAddress("TARGET_DATABASE_URL"),
                    author: environment["USER"] ?? "console")
            }
        } catch {
            throw .problems(error.lines)
        }
    }

    var targetAddress: Address {
        get throws(CommandError) {
            guard let target else { throw .problem("LIAISON_TARGET_DATABASE_URL is missing") }
            return target
        }
    }
}
