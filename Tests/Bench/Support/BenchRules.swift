import JSON
import Models

/// Rules in the form in which an administrator writes them.
enum BenchRules {
    /// Rules that match no webhook and that no index excludes: each is evaluated for every event.
    static func unmatched(_ count: Int) throws -> Ruleset {
        try ruleset(
            "Unmatched",
            (0..<count).map { number in
                rule(
                    "unmatched-\(number)",
                    when: [
                        "any": [
                            [
                                "field": "incident.title", "operator": "contains",
                                "value": .string("no title says \(number)"),
                            ],
                            [
                                "field": "incident.service.name", "operator": "endsWith",
                                "value": .string("no service \(number)"),
                            ],
                        ]
                    ])
            })
    }

    static func rule(
        _ id: String, when: JSON,
        actions: [JSON] = [["type": "setField", "field": "Status", "value": "Working"]]
    ) -> JSON {
        [
            "id": .string(id), "object": "Case", "direction": "incidentChange", "when": when,
            "actions": .array(actions),
        ]
    }

    static func ruleset(_ name: String, _ rules: [JSON]) throws -> Ruleset {
        let problems = JSONProblems()
        let json: JSON = ["name": .string(name), "rules": .array(rules)]
        guard let ruleset = Ruleset(reading: JSONReader(json, problems: problems)) else {
            throw BenchFailure("the rules have errors: \(problems.all)")
        }
        return ruleset
    }
}
