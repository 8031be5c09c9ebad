import JSON
import Models
import XCTest

@testable import Console

/// `deploy/CONFIGURATION.md` names all that a configuration file may hold, and nothing else.
final class ConfigurationDocumentTests: XCTestCase {
    func testKeysAndWhichOfThemAreRequired() throws {
        let document = try document()
        func check<Key: RawRepresentable<String> & CaseIterable>(
            _ heading: String, _ keys: Key.Type, _ definition: String?, line: UInt = #line
        ) throws {
            XCTAssertEqual(
                document.names(heading).sorted(), Key.allCases.map(\.rawValue).sorted(), line: line)
            let part = try definition.map { try schema()["$defs"]?[$0] } ?? schema()
            let rows = (document.rows[heading] ?? []).filter { $0[1] == "required" }
            XCTAssertEqual(
                rows.flatMap { MarkdownTables.quoted($0[0]) }.sorted(),
                (part?["required"]?.array ?? []).compactMap(\.string).sorted(), line: line)
        }
        try check("File", ConfigurationKey.self, nil)
        try check("Connection", ConnectionKey.self, "connection")
        try check("PagerDuty account", PagerDutyKey.self, "pagerDuty")
        try check("Webhook subscription", WebhookKey.self, "webhook")
        try check("Legacy webhook", LegacyWebhookKey.self, "legacyWebhook")
        try check("Salesforce organization", SalesforceKey.self, "salesforce")
        try check("Mapping", MappingKey.self, "mapping")
        try check("Secret", SecretReferenceKey.self, "secret")
        try check("Ruleset", RulesetKey.self, "ruleset")
        try check("Rule", RuleKey.self, "rule")
        try check("Group", GroupKey.self, "tree")
        try check("Condition", ConditionKey.self, "condition")
        try check("Assignment", AssignmentKey.self, "assignment")
        try check("External id", ExternalIDKey.self, "externalId")
    }

    func testOperators() throws {
        let rows = try XCTUnwrap(document().rows["Operators"])
        XCTAssertEqual(
            rows.map { $0.prefix(2).flatMap(MarkdownTables.quoted).joined(separator: " ") }
                .sorted(),
            Operator.Question.allCases.map { question in
                "\(Operator(question).name) \(Operator(question, isNegated: true).name)"
            }.sorted())
    }

    func testFields() throws {
        let rows = try XCTUnwrap(document().rows["Fields"])
        XCTAssertEqual(
            rows.map { MarkdownTables.quoted($0[0]).joined() }, Fact.allCases.map(\.rawValue))
        for (row, fact) in zip(rows, Fact.allCases) {
            XCTAssertEqual(row[1], Field.fact(fact).type.rawValue, fact.rawValue)
            let directions = Rule.Direction.allCases.filter { Self.isReadable(fact, $0) }
            let named =
                row[2] == "both"
                ? Rule.Direction.allCases.map(\.rawValue) : MarkdownTables.quoted(row[2])
            XCTAssertEqual(named, directions.map(\.rawValue), fact.rawValue)
        }
    }

    func testEventTypes() throws {
        XCTAssertEqual(
            try document().names("Event types").sorted(),
            EventKind.IncidentChange.allCases.map(\.ruleName).sorted())
    }

    func testActions() throws {
        let document = try document()
        let rows = try XCTUnwrap(document.rows["Actions"])
        XCTAssertEqual(document.names("Actions"), ActionKind.allCases.map(\.rawValue))
        let shapes = try schema().at("/$defs/action/oneOf")?.array ?? []
        for (row, kind) in zip(rows, ActionKind.allCases) {
            let required = MarkdownTables.quoted(row[1])
            XCTAssertEqual(
                (["type"] + required + MarkdownTables.quoted(row[2])).sorted(),
                kind.keys.map(\.rawValue).sorted(), kind.rawValue)
            let shape = shapes.first { $0.at("/properties/type/const")?.string == kind.rawValue }
            XCTAssertEqual(
                Set(["type"] + required),
                Set((shape?["required"]?.array ?? []).compactMap(\.string)), kind.rawValue)
        }
        XCTAssertEqual(
            document.names("Keys of actions").sorted(), ActionKey.allCases.map(\.rawValue).sorted())
    }

    func testFilters() throws {
        XCTAssertEqual(
            try document().names("Filters"), Template.FilterName.allCases.map(\.rawValue))
    }

    func testLimits() throws {
        let bytes = try ProjectFile.bytes("deploy/SETTINGS.md")
        let settings = MarkdownTables(String(decoding: bytes, as: UTF8.self))
        let rows = settings.rows["Limits of the configuration"] ?? []
        let limits = [
            ("configuration file", ConfigurationFile.bytesMax),
            ("connections", Configuration.connectionsMax),
            ("rulesets of a connection", RuleLimits.rulesetsMax),
            ("rules of a ruleset", RuleLimits.rulesMax),
            ("conditions of a rule", RuleLimits.conditionsMax),
            ("groups within groups", RuleLimits.depthMax),
            ("actions of a rule", RuleLimits.actionsMax),
            ("fields of a new record", RuleLimits.valuesMax),
            ("text of a condition", RuleLimits.textBytesMax),
            ("list of a condition", RuleLimits.choicesMax),
            ("pattern of a condition", RuleLimits.patternBytesMax),
            ("template, and the text that it becomes", RuleLimits.templateBytesMax),
            ("secret", FileSecrets.bytesMax),
        ]
        XCTAssertEqual(rows.map { $0[0] }, limits.map(\.0))
        for (row, limit) in zip(rows, limits) {
            XCTAssertEqual(Self.number(row[1]), limit.1, limit.0)
        }
    }

    func testTheExampleIsValid() async throws {
        let example = try JSON(parsing: try document().json)
        XCTAssertEqual(JSONSchema(root: try schema()).problems(example), [])
        let folder = try TemporaryFolder(for: self)
        _ = try folder.write("token", to: "secrets/pagerduty-api-key")
        _ = try folder.write("secret", to: "secrets/pagerduty-webhook")
        _ = try folder.write(try ConfigurationExample.key.get(), to: "secrets/salesforce.pem")
        let path = try folder.write(example.text, to: "liaison.json")
        let run = await ConsoleRun.of(
            "check", path, environment: ["SALESFORCE_WEBHOOK_SECRET": "secret"])
        XCTAssertEqual(run.errors, [])
        XCTAssertEqual(run.status, 0)
    }

    /// The number in `1,000` or `32 KiB`.
    private static func number(_ text: String) -> Int? {
        let parts = text.split(separator: " ")
        let units: [Substring: Int] = ["KiB": 1 << 10, "MiB": 1 << 20]
        guard let first = parts.first, let number = Int(first.filter(\.isNumber)) else {
            return nil
        }
        return number * (parts.count > 1 ? units[parts[1]] ?? 0 : 1)
    }

    /// True if a rule of this direction may read the field.
    private static func isReadable(_ fact: Fact, _ direction: Rule.Direction) -> Bool {
        let ruleset: JSON = [
            "name": "One",
            "rules": [
                [
                    "id": "a", "object": "Case", "direction": .string(direction.rawValue),
                    "when": ["field": .string(fact.rawValue), "operator": "exists"],
                    "actions": [["type": "acknowledgeIncident"]],
                ]
            ],
        ]
        return Ruleset(reading: JSONReader(ruleset, problems: JSONProblems())) != nil
    }

    private func document() throws -> MarkdownTables {
        let bytes = try ProjectFile.bytes("deploy/CONFIGURATION.md")
        return MarkdownTables(String(decoding: bytes, as: UTF8.self))
    }

    private func schema() throws -> JSON {
        try JSON(parsing: try ProjectFile.bytes("deploy/configuration.schema.json"))
    }
}
