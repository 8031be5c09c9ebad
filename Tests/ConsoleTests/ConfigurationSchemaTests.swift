import Foundation
import JSON
import Models
import XCTest

@testable import Console

/// `deploy/configuration.schema.json` and the program take the same files.
final class ConfigurationSchemaTests: XCTestCase {
    func testKeysOfEachPart() throws {
        let example = ConfigurationExample.whole
        func check<Key: RawRepresentable<String> & CaseIterable>(
            _ definition: String?, _ keys: Key.Type, at pointer: String, but left: Set<Key> = [],
            line: UInt = #line
        ) throws {
            let names = Set(Key.allCases.map(\.rawValue))
            let part = try definition.map { try self.definition($0) } ?? schema().root
            XCTAssertEqual(Set(part["properties"]?.object?.keys ?? []), names, line: line)
            XCTAssertEqual(part["additionalProperties"], false, line: line)
            XCTAssertEqual(
                Set(example.at(pointer)?.object?.keys ?? []),
                names.subtracting(left.map(\.rawValue)), line: line)
        }
        let connection = "/connections/0"
        let rule = "\(connection)/rulesets/0/rules/0"
        try check(nil, ConfigurationKey.self, at: "")
        try check("connection", ConnectionKey.self, at: connection)
        try check("pagerDuty", PagerDutyKey.self, at: "\(connection)/pagerDuty")
        try check("webhook", WebhookKey.self, at: "\(connection)/pagerDuty/webhooks/0")
        try check(
            "legacyWebhook", LegacyWebhookKey.self, at: "\(connection)/pagerDuty/legacyWebhook")
        try check("salesforce", SalesforceKey.self, at: "\(connection)/salesforce")
        try check("mapping", MappingKey.self, at: "\(connection)/mappings/0")
        try check(
            "secret", SecretReferenceKey.self, at: "\(connection)/pagerDuty/token", but: [.file])
        try check("ruleset", RulesetKey.self, at: "\(connection)/rulesets/0")
        try check("rule", RuleKey.self, at: rule)
        try check("condition", ConditionKey.self, at: "\(rule)/when/all/0")
        try check(
            "assignment", AssignmentKey.self, at: "\(rule)/actions/0/assignTo",
            but: [.escalationPolicy])
        try check("externalId", ExternalIDKey.self, at: "\(rule)/actions/9/externalId")
    }

    func testKeysOfGroups() throws {
        let shapes = try definition("tree")["oneOf"]?.array ?? []
        let keys = shapes.flatMap { $0["properties"]?.object?.keys ?? [] }
        XCTAssertEqual(keys, GroupKey.allCases.map(\.rawValue))
    }

    func testKeysOfActions() throws {
        let action = try definition("action")
        let kinds = ActionKind.allCases.map(\.rawValue)
        XCTAssertEqual(action["properties"]?["type"]?["enum"]?.array?.compactMap(\.string), kinds)
        let shapes = action["oneOf"]?.array ?? []
        XCTAssertEqual(shapes.compactMap { $0["properties"]?["type"]?["const"]?.string }, kinds)
        let actions = ConfigurationExample.whole.at("/connections/0/rulesets/0/rules/0/actions")
        for (position, kind) in ActionKind.allCases.enumerated() {
            let keys = Set(kind.keys.map(\.rawValue))
            let properties = shapes[position]["properties"]?.object?.keys ?? []
            XCTAssertEqual(Set(properties), keys, kind.rawValue)
            XCTAssertEqual(shapes[position]["additionalProperties"], false, kind.rawValue)
            let used = Set(actions?[position]?.object?.keys ?? [])
            XCTAssertEqual(
                used, kind == .reassignIncident ? keys.subtracting(["users"]) : keys, kind.rawValue)
        }
        XCTAssertEqual(
            Set(ActionKind.allCases.flatMap(\.keys)), Set(ActionKey.allCases))
    }

    func testEveryDefinitionIsUsedAndEveryReferenceIsDefined() throws {
        let text = try schema().root.text
        let used = Set(text.matches(of: /"#\/\$defs\/(\w+)"/).map { String($0.1) })
        XCTAssertEqual(used, Set(try schema().root["$defs"]?.object?.keys ?? []))
    }

    func testAConfigurationWithEveryKeyIsValid() throws {
        let both = try verdicts()
        try both.valid("", ConfigurationExample.whole)
        try both.valid("/$schema", nil)
        try both.invalid("/connections", nil, [:], [7], [["name": "without an id"]])
    }

    func testTheDemoConfigurationIsValid() throws {
        let demo = try JSON(parsing: try ProjectFile.bytes("deploy/demo/liaison.json"))
        XCTAssertEqual(try schema().problems(demo), [])
    }

    func testNoPartTakesAnUnknownKey() throws {
        let both = try verdicts()
        for pointer in Self.objects(in: ConfigurationExample.whole) {
            try both.invalid("\(pointer)/colour", "red")
        }
    }

    func testConnections() throws {
        let both = try verdicts()
        let connection = "/connections/0"
        try both.valid(connection, ["id": "a"])
        try both.invalid("\(connection)/id", nil, "", "Acme", "a b", 7)
        try both.valid("\(connection)/name", nil)
        try both.invalid("\(connection)/name", "", " ", 7)
        let mapping = "\(connection)/mappings/0"
        try both.invalid("\(mapping)/object", nil, "", "1st", "Not an object")
        for key in ["syncNotes", "syncComments", "commentsPublic"] {
            try both.valid("\(mapping)/\(key)", nil, true)
            try both.invalid("\(mapping)/\(key)", "yes", 1)
        }
    }

    func testPagerDutyAccounts() throws {
        let both = try verdicts()
        let account = "/connections/0/pagerDuty"
        try both.valid(account, nil)
        try both.valid("\(account)/region", nil, "us")
        try both.invalid("\(account)/region", "US", "asia", 1)
        try both.valid("\(account)/apiURL", nil, "HTTPS://a.com/", "http://[::1]:7481")
        try both.invalid("\(account)/apiURL", "http://a.com", "https://a.com/v2", "a.com")
        try both.invalid("\(account)/token", nil, "secret", ["vault": "x"], [:])
        try both.invalid("\(account)/token", ["file": "x", "variable": "TOKEN"], ["variable": 1])
        try both.valid("\(account)/tokenKind", nil, "apiKey")
        try both.invalid("\(account)/tokenKind", "basic")
        try both.invalid("\(account)/from", nil, "a", "a@b@c.com", "a b@c.com")
        try both.valid("\(account)/webhooks", nil, [])
        try both.invalid("\(account)/webhooks", ["secret"], [["subscription": "PSUB01"]])
        try both.valid("\(account)/webhooks/0/subscription", nil)
        try both.invalid("\(account)/webhooks/0/subscription", "", 1)
        try both.valid("\(account)/legacyWebhook", nil)
        try both.invalid("\(account)/legacyWebhook/header", nil, "X Team", "")
        try both.invalid("\(account)/legacyWebhook/token", nil)
    }

    func testSalesforceOrganizations() throws {
        let both = try verdicts()
        let organization = "/connections/0/salesforce"
        try both.valid(organization, nil)
        try both.invalid("\(organization)/clientId", nil, "", 7)
        try both.invalid("\(organization)/username", nil, "", 7)
        try both.invalid("\(organization)/privateKey", nil, "-----BEGIN")
        for key in ["loginURL", "audience", "apiVersion", "webhookSecret", "webhookToken"] {
            try both.valid("\(organization)/\(key)", nil)
        }
        try both.valid("\(organization)/apiVersion", "46.0", "100.0")
        try both.invalid("\(organization)/apiVersion", "45.0", "62", "v62.0", 62)
        try both.valid("\(organization)/organizationId", "00DbX0000000001AAA")
        try both.invalid("\(organization)/organizationId", nil, "00DbX", "00DbX000000000-")
    }

    func testRulesets() throws {
        let both = try verdicts()
        let ruleset = "/connections/0/rulesets/0"
        try both.invalid("\(ruleset)/name", nil, "", "a/b", "a|b", "@a", " a", "a ", "a\u{7}b")
        try both.valid("\(ruleset)/name", "é", .string(String(repeating: "n", count: 80)))
        try both.invalid("\(ruleset)/name", .string(String(repeating: "n", count: 81)))
        try both.valid("\(ruleset)/enabled", nil, false)
        try both.invalid("\(ruleset)/enabled", "no")
        try both.valid("\(ruleset)/rules", [])
        let rule = "\(ruleset)/rules/0"
        try both.invalid("\(rule)/id", nil, "A", "a b", "-a")
        try both.invalid("\(rule)/object", nil, "Not an object")
        try both.invalid("\(rule)/direction", nil, "both")
        try both.valid("\(rule)/onMerge", nil, "run")
        try both.invalid("\(rule)/onMerge", "always")
        try both.invalid("\(rule)/actions", nil, [], [:])
        try both.invalid("\(rule)/when", nil, [], ["always": false], ["all": [], "any": []])
        try both.valid("\(rule)/when", ["all": []], ["none": [["always": true]]])
    }

    func testActions() throws {
        let both = try verdicts()
        let actions = "/connections/0/rulesets/0/rules/0/actions"
        for (position, key) in [
            (0, "service"), (0, "title"), (3, "priority"), (4, "workflow"), (5, "play"),
            (7, "text"), (10, "text"),
        ] {
            try both.invalid("\(actions)/\(position)/\(key)", nil, "", 7)
        }
        try both.invalid("\(actions)/0/type", nil, "page")
        for key in ["body", "urgency", "priority", "assignTo"] {
            try both.valid("\(actions)/0/\(key)", nil)
        }
        try both.invalid("\(actions)/0/urgency", "highest")
        try both.valid("\(actions)/0/assignTo", ["escalationPolicy": "E"])
        try both.invalid("\(actions)/0/assignTo", [:], ["users": []])
        try both.invalid("\(actions)/0/assignTo", ["users": ["U"], "escalationPolicy": "E"])
        try both.valid("\(actions)/2/resolution", nil, "{{record.Id}}")
        try both.invalid("\(actions)/6/escalationPolicy", nil, "")
        try both.invalid("\(actions)/8/field", nil, "a b")
        try both.valid("\(actions)/8/value", 1, "x", false)
        try both.invalid("\(actions)/8/value", nil, ["a"], [:])
        try both.invalid("\(actions)/9/fields", nil, [], ["a b": 1], ["A": [1]])
        try both.invalid("\(actions)/9/externalId", "X__c", ["field": "X__c"])
        try both.valid("\(actions)/10/public", nil, false)
        try both.valid("\(actions)/11/body", nil, [], "x")
        try both.invalid("\(actions)/11/path", nil, "/services/data/x", "/services/apexrest/a?b")
    }

    func testOperators() throws {
        XCTAssertEqual(
            try definition("operator")["enum"]?.array?.compactMap(\.string),
            Operator.allCases.map(\.name))
        let values: [JSON?] = [
            nil, nil as JSON, true, 1, -1, 1.5, "", "x", "record.A", "record.A.B", "2026-03-02",
            "2026-03-02T09:15:04Z", "soon", "7d", "1w", "triggered", "open", [], ["a"], ["a", 1],
            [1, 2], [1, 2, 3], ["2026-03-01", "2026-03-02"], [nil, "a"], [[], "a"], [:],
        ]
        let schema = try schema()
        for one in Operator.allCases {
            let question = one.question
            for value in values {
                var condition: JSONObject = ["operator": .string(one.name)]
                if ![.linkedIncidents, .linkedRecords].contains(question.family) {
                    condition["field"] = "record.A"
                }
                condition["value"] = value
                let isRead = Self.isRead(.object(condition), question)
                let problems = schema.problems(.object(condition), definition: "condition")
                XCTAssertEqual(problems.isEmpty, isRead, "\(condition) \(problems)")
            }
        }
    }

    func testFields() throws {
        let field = try definition("field")["anyOf"]
        XCTAssertEqual(
            field?[0]?["enum"]?.array?.compactMap(\.string), Fact.allCases.map(\.rawValue))
        let name = "[A-Za-z][A-Za-z0-9_]{0,\(RuleLimits.apiNameCharactersMax - 1)}$"
        XCTAssertEqual(field?[1]?["pattern"]?.string, "^record\\.\(name)")
        XCTAssertEqual(try definition("apiName")["pattern"]?.string, "^\(name)")
    }

    func testDirectionsAndMergePolicies() throws {
        let properties = try definition("rule")["properties"]
        func check(_ property: String, _ values: [String], line: UInt = #line) {
            XCTAssertEqual(
                properties?[property]?["enum"]?.array?.compactMap(\.string), values, line: line)
        }
        check("direction", Rule.Direction.allCases.map(\.rawValue))
        check("onMerge", Rule.MergePolicy.allCases.map(\.rawValue))
    }

    func testLimits() throws {
        func check(_ definition: String, _ path: String, _ limit: Int, line: UInt = #line) throws {
            XCTAssertEqual(try self.definition(definition).at(path)?.int, limit, line: line)
        }
        XCTAssertEqual(
            try schema().root.at("/properties/connections/maxItems")?.int,
            Configuration.connectionsMax)
        try check("connection", "/properties/rulesets/maxItems", RuleLimits.rulesetsMax)
        try check("ruleset", "/properties/rules/maxItems", RuleLimits.rulesMax)
        try check("rule", "/properties/actions/maxItems", RuleLimits.actionsMax)
        try check("tree", "/oneOf/1/properties/all/maxItems", RuleLimits.conditionsMax)
        try check("template", "/maxLength", RuleLimits.templateBytesMax)
        try check("title", "/maxLength", RuleLimits.nameCharactersMax)
    }

    private static func isRead(_ condition: JSON, _ question: Operator.Question) -> Bool {
        let direction = question.family == .linkedRecords ? "incidentChange" : "recordChange"
        let ruleset: JSON = [
            "name": "One",
            "rules": [
                [
                    "id": "a", "object": "Case", "direction": .string(direction),
                    "when": condition, "actions": [["type": "acknowledgeIncident"]],
                ]
            ],
        ]
        return Ruleset(reading: JSONReader(ruleset, problems: JSONProblems())) != nil
    }

    /// The pointers of all objects but those whose keys are the author's own.
    private static func objects(in value: JSON, at pointer: String = "") -> [String] {
        if pointer.hasSuffix("/fields") || pointer.hasSuffix("/body") { return [] }
        switch value {
        case .object(let object):
            return [pointer]
                + object.members.flatMap {
                    objects(in: $0.value, at: "\(pointer)/\($0.key)")
                }
        case .array(let array):
            return array.enumerated().flatMap {
                objects(in: $0.element, at: "\(pointer)/\($0.offset)")
            }
        case .null, .bool, .number, .string: return []
        }
    }

    private func verdicts() throws -> Verdicts {
        Verdicts(schema: try schema(), folder: try TemporaryFolder(for: self))
    }

    private func definition(_ name: String) throws -> JSON {
        try XCTUnwrap(try schema().root["$defs"]?[name])
    }

    private func schema() throws -> JSONSchema {
        JSONSchema(
            root: try JSON(parsing: try ProjectFile.bytes("deploy/configuration.schema.json")))
    }
}

/// The verdicts of the schema and of the program on a configuration, which must agree.
private struct Verdicts {
    let schema: JSONSchema
    let folder: TemporaryFolder

    /// Both take the example with each of these values at the pointer; nil removes the member.
    func valid(_ pointer: String, _ values: JSON?..., line: UInt = #line) throws {
        for value in values { try check(pointer, value, isValid: true, line: line) }
    }

    func invalid(_ pointer: String, _ values: JSON?..., line: UInt = #line) throws {
        for value in values { try check(pointer, value, isValid: false, line: line) }
    }

    private func check(
        _ pointer: String, _ value: JSON?, isValid: Bool, line: UInt
    ) throws {
        let document = ConfigurationExample.whole.replacing(pointer, by: value)
        let change = "\(pointer) \(value?.text ?? "left out")"
        let problems = schema.problems(document)
        XCTAssertEqual(problems.isEmpty, isValid, "schema: \(change) \(problems)", line: line)
        let lines = try ConfigurationExample.problems(document, folder)
        XCTAssertEqual(lines.isEmpty, isValid, "program: \(change) \(lines)", line: line)
    }
}
