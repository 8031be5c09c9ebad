import Foundation
import JSON
import Models
import XCTest

/// The published schema names exactly what the program knows.
final class RulesSchemaTests: XCTestCase {
    func testOperators() throws {
        XCTAssertEqual(try names("operator", "enum"), Operator.allCases.map(\.name))
    }

    func testEveryOperatorHasOneRuleForItsValue() throws {
        let rules = try definition("condition")["allOf"]?.array ?? []
        let named = rules.compactMap { $0["if"]?["properties"]?["operator"]?["enum"]?.array }
            .joined().compactMap(\.string)
        XCTAssertEqual(named.sorted(), Operator.allCases.map(\.name).sorted())
    }

    func testFields() throws {
        let field = try definition("field")["anyOf"]?[0]?["enum"]?.array ?? []
        XCTAssertEqual(field.compactMap(\.string), Fact.allCases.map(\.rawValue))
    }

    func testActions() throws {
        let action = try definition("action")
        let kinds = Action.Kind.allCases.map(\.rawValue)
        XCTAssertEqual(
            action["properties"]?["type"]?["enum"]?.array?.compactMap(\.string).sorted(),
            kinds.sorted())
        let shapes = action["oneOf"]?.array ?? []
        XCTAssertEqual(
            shapes.compactMap { $0["properties"]?["type"]?["const"]?.string }.sorted(),
            kinds.sorted())
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
        func check(_ value: JSON?, _ limit: Int, line: UInt = #line) {
            XCTAssertEqual(value?.int, limit, line: line)
        }
        let schema = try schema()
        check(schema["properties"]?["rulesets"]?["maxItems"], RuleLimits.rulesetsMax)
        let ruleset = try definition("ruleset")["properties"]
        check(ruleset?["rules"]?["maxItems"], RuleLimits.rulesMax)
        let rule = try definition("rule")["properties"]
        check(rule?["actions"]?["maxItems"], RuleLimits.actionsMax)
        check(try definition("template")["maxLength"], RuleLimits.templateBytesMax)
        check(try definition("title")["maxLength"], RuleLimits.nameCharactersMax)
    }

    /// Names of objects and fields, which end up in paths and queries.
    func testAPINames() throws {
        let name = "[A-Za-z][A-Za-z0-9_]{0,\(RuleLimits.apiNameCharactersMax - 1)}$"
        XCTAssertEqual(try definition("apiName")["pattern"]?.string, "^\(name)")
        XCTAssertEqual(
            try definition("field")["anyOf"]?[1]?["pattern"]?.string, "^record\\.\(name)")
    }

    private func names(_ definition: String, _ key: String) throws -> [String] {
        try self.definition(definition)[key]?.array?.compactMap(\.string) ?? []
    }

    private func definition(_ name: String) throws -> JSON {
        try XCTUnwrap(try schema()["$defs"]?[name])
    }

    private func schema() throws -> JSON {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try JSON(
            parsing: [UInt8](
                Data(contentsOf: root.appendingPathComponent("deploy/rules.schema.json"))))
    }
}
