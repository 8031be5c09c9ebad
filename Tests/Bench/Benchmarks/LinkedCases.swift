import JSON
import Models
import Store

/// Incidents of `Webhooks`, each linked to a case of the sandbox. A rule writes fields of the case
/// on every event.
struct LinkedCases {
    static let numberField = "PagerDuty_Incident_Number__c"

    let sandbox: SandboxProcess
    let database: BenchDatabase
    /// The case of each incident.
    let cases: [RecordID]

    /// - Parameter fields: the fields that the rule sets, with the templates of their values.
    init(
        _ count: Int, settingFields fields: KeyValuePairs<String, String>, name: String,
        in environment: BenchEnvironment
    ) async throws {
        sandbox = try await SandboxProcess.start(in: environment)
        let rule = BenchRules.rule(
            "write", when: ["always": true],
            actions: fields.map { field, value in
                ["type": "setField", "field": .string(field), "value": .string(value)]
            })
        var configuration = Configuration.webhooksOnly(
            rulesets: [try BenchRules.ruleset("Writes", [rule])])
        configuration.entries[0].connection.salesforce = sandbox.organization
        database = try await environment.database(name, configuration)
        cases = try await sandbox.control.makeCases(count)
        try await link()
    }

    private func link() async throws {
        let (store, cases) = (database.store, cases)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for number in stride(from: worker, to: cases.count, by: 4) {
                        let link = Link(
                            incident: Webhooks.incident(number), object: "Case",
                            record: cases[number])
                        try await store.link(link, in: "bench")
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
