import Foundation
import Postgres
import Runtime
import Store

/// What a command is told from outside beyond its arguments, read once before it begins.
struct ConsoleConfiguration: Sendable {
    let address: Address
    /// Seal the connections' secrets. Only `apply` needs them.
    let secretKeys: SecretKeys?
    /// Where `move` moves a connection to.
    private let target: Address?
    /// Who gives the command, for the list of versions.
    let author: String

    static let environment = ProcessInfo.processInfo.environment

    static func read(
        _ environment: [String: String], needsMasterKey: Bool = false
    ) throws(CommandError) -> ConsoleConfiguration {
        do throws(ConfigurationProblems) {
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
