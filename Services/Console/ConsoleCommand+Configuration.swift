import Models
import Postgres
import Store

extension ConsoleCommand {
    func migrate() async throws(CommandError) {
        let address = try ConsoleConfiguration.read(environment).address
        do {
            let applied = try await Store.migrate(address)
            for step in applied { printer.line("applied \(step.number): \(step.name)") }
            let newest = Store.migrations.count
            printer.line("\(address) is at schema version \(newest)")
        } catch {
            throw .problem(error.sentence)
        }
    }

    func check(_ path: String) throws(CommandError) {
        let file = try ConfigurationFile(path, environment: environment)
        printer.line("\(path) can be applied: \(file.configuration.summary)")
        describe(file.configuration)
    }

    func apply(_ path: String) async throws(CommandError) {
        let file = try ConfigurationFile(path, environment: environment)
        let configuration = try ConsoleConfiguration.read(environment, needsMasterKey: true)
        let store = Store(
            Pool(configuration.address, limits: .oneCommand),
            secretKeys: configuration.secretKeys)
        let current = try await inForce(store)
        if file.configuration.isSame(as: current.configuration) {
            printer.line("\(path) is unchanged; version \(current.version) stays in force")
            return
        }
        let version = try await mappingErrors(
            await store.apply(
                file.configuration, by: configuration.author, expecting: current.version))
        printer.line("version \(version) is in force: \(file.configuration.summary)")
        describe(file.configuration)
    }

    /// The configuration that is in force; nil if it cannot be read. The key that sealed its
    /// secrets may be lost, or a newer check may refuse it. Then `apply` replaces it.
    private func inForce(
        _ store: Store
    ) async throws(CommandError) -> (version: ConfigurationVersion, configuration: Configuration?) {
        let active: ActiveConfiguration?
        do {
            active = try await store.loadConfiguration()
        } catch .corrupt, .notFound {
            active = nil
        } catch {
            throw CommandError(error)
        }
        if let active, active.unreadable.isEmpty {
            return (active.version, active.configuration)
        }
        let version = try await mappingErrors(await store.configurationVersion())
        return (version, nil)
    }

    private func describe(_ configuration: Configuration) {
        for entry in configuration.entries {
            let rules = entry.rulesets.flatMap(\.rules)
            let active = entry.rulesets.filter(\.isEnabled).flatMap { $0.rules.filter(\.isEnabled) }
            let parts = [
                entry.connection.pagerDuty.map { "PagerDuty at \($0.apiURL)" } ?? "no PagerDuty",
                entry.connection.salesforce.map { "Salesforce as \($0.username)" }
                    ?? "no Salesforce",
                "\(counted(rules.count, "rule")), \(rules.count - active.count) switched off",
            ]
            printer.line("  \(entry.connection.id): \(parts.joined(separator: "; "))")
        }
    }
}

extension Configuration {
    /// The order of connections has no meaning; that of rulesets and rules has.
    fileprivate func isSame(as other: Configuration?) -> Bool {
        guard let other else { return false }
        func sorted(_ entries: [ConnectionEntry]) -> [ConnectionEntry] {
            entries.sorted { $0.connection.id < $1.connection.id }
        }
        return sorted(entries) == sorted(other.entries)
    }
}
