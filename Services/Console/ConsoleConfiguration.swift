import Foundation
import Runtime

/// What a command is told from outside beyond its arguments, read once before it begins.
struct ConsoleConfiguration: Sendable {
    var database: Secret
    /// Seals the connections' secrets: 32 bytes, Base64. Only `apply` needs it.
    var masterKey: Secret?

    static let environment = ProcessInfo.processInfo.environment

    /// - Parameter needsMasterKey: without it a key that is there is known, but not read.
    static func read(
        _ environment: [String: String], needsMasterKey: Bool = false
    ) throws(Complaint) -> ConsoleConfiguration {
        do throws(ConfigurationProblems) {
            return try EnvironmentReader.read(environment) { reader in
                ConsoleConfiguration(
                    database: reader.secret("DATABASE_URL"),
                    masterKey: needsMasterKey
                        ? reader.secret("MASTER_KEY") : reader.optionalSecret("MASTER_KEY"))
            }
        } catch {
            throw .problems(error.lines)
        }
    }
}
