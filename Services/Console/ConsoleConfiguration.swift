import Foundation
import Postgres
import Runtime
import Store

/// What a command is told from outside beyond its arguments, read once before it begins.
struct ConsoleConfiguration: Sendable {
    private var database: Secret
    /// Seals the connections' secrets: see `SecretKeys.init(text:)`. Only `apply` needs it.
    private var masterKey: Secret?
    /// Where `move` moves a connection to.
    private var target: Secret?
    /// Who gives the command, for the list of versions.
    let author: String

    static let environment = ProcessInfo.processInfo.environment

    static func read(
        _ environment: [String: String], needsMasterKey: Bool = false
    ) throws(Complaint) -> ConsoleConfiguration {
        do throws(ConfigurationProblems) {
            return try EnvironmentReader.read(environment) { reader in
                ConsoleConfiguration(
                    database: reader.secret("DATABASE_URL"),
                    masterKey: needsMasterKey
                        ? reader.secret("MASTER_KEY") : reader.optionalSecret("MASTER_KEY"),
                    target: reader.optionalSecret("TARGET_DATABASE_URL"),
                    author: environment["USER"] ?? "console")
            }
        } catch {
            throw .problems(error.lines)
        }
    }

    var address: Address {
        get throws(Complaint) { try Self.address(database, "LIAISON_DATABASE_URL") }
    }

    var targetAddress: Address {
        get throws(Complaint) {
            guard let target else { throw .problem("LIAISON_TARGET_DATABASE_URL is missing") }
            return try Self.address(target, "LIAISON_TARGET_DATABASE_URL")
        }
    }

    private static func address(_ url: Secret, _ name: String) throws(Complaint) -> Address {
        if let address = Address(url.exposed) { return address }
        throw .problem("\(name) is no connection string of PostgreSQL")
    }

    var secretKeys: SecretKeys? {
        get throws(Complaint) {
            guard let masterKey else { return nil }
            do throws(StoreError) {
                return try SecretKeys(text: masterKey.exposed)
            } catch .defect(let message) {
                throw .problem("LIAISON_MASTER_KEY \(message)")
            } catch {
                throw Complaint(error)
            }
        }
    }
}
