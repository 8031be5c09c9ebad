import JSON
import Models
import XCTest

@testable import Automation

/// The truth table of `Operator`, row by row. Every row is checked with the operator and with its
/// negation, which must answer the opposite or be as little evaluable.
final class TruthTableTests: XCTestCase {
    private let field = Field.record("F")

    func testOperatorsOfAnyValue() throws {
        try check(.exists, null: .no, missing: .no)
        try check(.exists, "x", .yes)
        try check(.exists, "", .yes)
        try check(.exists, 0, .yes)
        try check(.exists, false, .yes)
        try check(.isNull, null: .yes, missing: nil)
        try check(.isNull, "x", .no)
        try check(.isNull, "", .no)
        try check(.isEmpty, null: .yes, missing: nil)
        try check(.isEmpty, "", .yes)
        try check(.isEmpty, " ", .no)
        try check(.isEmpty, [], .yes)
        try check(.isEmpty, ["a"], .no)
        try check(.isEmpty, 0, .no)
        try check(.isEmpty, [:], .no)
    }

    func testTextEquality() throws {
        try check(.equals("High"), null: .no, missing: nil)
        try check(.equals(""), null: .yes, missing: nil)
        try check(.equals("High"), "high", .yes)
        try check(.equals("High"), "high", caseSensitive: true, .no)
        try check(.equals("High"), "High ", .no)
        try check(.equals("STRASSE"), "strasse", .yes)
        try check(.equals("é"), "e\u{301}", .yes)
        try check(.equals("3"), 3, .yes)
        try check(.equals("true"), true, .yes)
        try check(.equals("a"), ["a"], nil)
        try check(.equals("a"), ["a": 1], nil)
        try check(.isOneOf(["New", "Open"]), "OPEN", .yes)
        try check(.isOneOf(["New", "Open"]), "Closed", .no)
        try check(.isOneOf(["New", ""]), null: .yes, missing: nil)
    }

    func testSalesforceIdsAreComparedOn15Characters() throws {
        let long = "500QZ00000ABCDEYA5"
        let wrong = "500QZ00000ABCDEAAA"
        try check(.equals("500QZ00000ABCDE"), .string(Sample.caseID.long), .yes)
        try check(.equals(Sample.caseID.long), "500QZ00000ABCDE", .yes)
        try check(.equals("500QZ00000ABCDe"), .string(Sample.caseID.long), .no)
        try check(.equals("500QZ00000ABCDe"), "500QZ00000ABCDE", .no)
        try check(.isOneOf(["x", "500QZ00000ABCDE"]), .string(Sample.caseID.long), .yes)
        try check(.equals(long.lowercased()), .string(long), .yes)
        try check(.equals("500QZ00000ABCDE"), .string(wrong), .yes)
        try check(.equals(wrong), "500QZ00000ABCDE", .yes)
        // No ids: a word of 15 letters, two order numbers of 18 characters with one beginning.
        try check(.equals("TROUBLESHOOTING"), "Troubleshooting", .yes)
        try check(.equals("ORDER1234567890001"), "ORDER1234567890002", .no)
    }

    func testPartsOfTexts() throws {
        for test in [Test.contains("down"), .startsWith("down"), .endsWith("down")] {
            try check(test, null: .no, missing: nil)
            try check(test, "Down", .yes)
            try check(test, "Down", caseSensitive: true, .no)
            try check(test, "", .no)
            try check(test, ["down"], nil)
        }
        try check(.contains("is d"), "it IS Down", .yes)
        try check(.contains(""), "x", .yes)
        try check(.startsWith("it"), "it is", .yes)
        try check(.startsWith("is"), "it is", .no)
        try check(.endsWith("is"), "it is", .yes)
        try check(.contains("5"), 1.5, .yes)
    }

    func testPatterns() throws {
        try check(.matchesWildcard("P?-*"), "p1-checkout", .yes)
        try check(.matchesWildcard("P?-*"), "p1-checkout", caseSensitive: true, .no)
        try check(.matchesWildcard("*"), null: .yes, missing: nil)
        try check(.matchesRegex("^p[12]"), "P1 now", .yes)
        try check(.matchesRegex("^p[12]"), "P1 now", caseSensitive: true, .no)
        try check(.matchesRegex("^$"), null: .yes, missing: nil)
        try check(.matchesRegex("^(a+)+$"), .string(String(repeating: "a", count: 40) + "!"), nil)
        try check(.matchesRegex("a"), ["a"], nil)
    }

    func testNumbers() throws {
        for test in [
            Test.numberEquals(5), .greaterThan(1), .lessThan(9), .numberBetween(1, 9),
        ] {
            try check(test, null: nil, missing: nil)
            for value in [5, 5.0, "5", "5.00", "0.5e1"] as [JSON] { try check(test, value, .yes) }
            for value in ["", "five", " 5", "+5", "0x5", "5,0", "05", true, [5]] as [JSON] {
                try check(test, value, nil)
            }
        }
        try check(.greaterThan(5), 5, .no)
        try check(.lessThan(5), 5, .no)
        try check(.numberBetween(5, 6), 5, .yes)
        try check(.numberBetween(4, 5), 5, .yes)
        try check(.numberBetween(6, 7), 5, .no)
        try check(.greaterThan(-2), -1.5, .yes)
        // These numbers are equal as binary64.
        try check(.greaterThan(9_007_199_254_740_992), "9007199254740993", .yes)
    }

    func testDateTimes() throws {
        let noon = Sample.moment("2026-03-02T12:00:00Z")
        let forms: [JSON] = [
            "2026-03-02T12:00:00.000+0000", "2026-03-02T12:00:00Z", "2026-03-02T14:00:00+02:00",
        ]
        let bound = DateBound(noon)
        for value in forms {
            try check(.before(bound), value, .no)
            try check(.after(bound), value, .no)
            try check(.dateBetween(bound, bound), value, .yes)
            try check(.before(DateBound(noon.advanced(by: .seconds(1)))), value, .yes)
            try check(.after(DateBound(noon.advanced(by: .seconds(-1)))), value, .yes)
        }
        try check(.before(bound), "2026-03-02", .yes)
        for test in [Test.before(bound), .after(bound), .dateBetween(bound, bound)] {
            try check(test, null: nil, missing: nil)
            for value in ["", "yesterday", "2026-02-30", 1_772_452_800, true] as [JSON] {
                try check(test, value, nil)
            }
        }
    }

    /// A date as operand is its whole day in UTC.
    func testDays() throws {
        func check(
            _ name: String, _ operand: String, dayBefore: Bool, first: Bool, last: Bool,
            dayAfter: Bool, line: UInt = #line
        ) throws {
            let book = try rulebook(
                rule(
                    when: #"{"field": "record.F", "operator": "\#(name)", "value": \#(operand)}"#))
            let rows: [(JSON, Bool)] = [
                ("2026-03-01T23:59:59.999Z", dayBefore), ("2026-03-02", first),
                ("2026-03-02T00:00:00.000+0000", first), ("2026-03-02T09:15:00Z", last),
                ("2026-03-03T00:59:59+01:00", last), ("2026-03-02T23:59:59.999Z", last),
                ("2026-03-03T00:00:00Z", dayAfter), ("2026-03-03", dayAfter),
            ]
            for (value, expected) in rows {
                let facts = Facts(event: try Sample.change(old: [:], new: ["F": value]))
                XCTAssertEqual(
                    !book.judge(facts, now: Sample.now).matches.isEmpty, expected,
                    "\(value.text) \(name)", line: line)
            }
        }
        let day = #""2026-03-02""#
        try check("before", day, dayBefore: true, first: false, last: false, dayAfter: false)
        try check("onOrAfter", day, dayBefore: false, first: true, last: true, dayAfter: true)
        try check("after", day, dayBefore: false, first: false, last: false, dayAfter: true)
        try check("onOrBefore", day, dayBefore: true, first: true, last: true, dayAfter: false)
        for (ends, dayBefore) in [("01", true), ("02", false)] {
            let days = #"["2026-03-\#(ends)", "2026-03-02"]"#
            try check(
                "dateBetween", days, dayBefore: dayBefore, first: true, last: true, dayAfter: false)
            try check(
                "dateNotBetween", days, dayBefore: !dayBefore, first: false, last: false,
                dayAfter: true)
        }
        let morning = #"["2026-03-02T00:00:00Z", "2026-03-02T08:00:00Z"]"#
        try check(
            "dateBetween", morning, dayBefore: false, first: true, last: false, dayAfter: false)
    }

    /// The clock of the tests stands at 2026-03-02T12:00:00Z.
    func testSpansOfTime() throws {
        let hour = try XCTUnwrap(Span("1h"))
        func check(
            _ value: JSON, within: Verdict?, older: Verdict?, next: Verdict?, line: UInt = #line
        ) throws {
            try self.check(.withinLast(hour), value, within, line: line)
            try self.check(.olderThan(hour), value, older, line: line)
            try self.check(.withinNext(hour), value, next, line: line)
        }
        try check("2026-03-02T11:30:00Z", within: .yes, older: .no, next: .no)
        try check("2026-03-02T11:00:00Z", within: .yes, older: .no, next: .no)
        try check("2026-03-02T10:59:59Z", within: .no, older: .yes, next: .no)
        try check("2026-03-02T12:00:00Z", within: .yes, older: .no, next: .yes)
        try check("2026-03-02T13:00:00Z", within: .no, older: .no, next: .yes)
        try check("2026-03-02T13:00:01Z", within: .no, older: .no, next: .no)
        try check(nil, within: nil, older: nil, next: nil)
        try check("soon", within: nil, older: nil, next: nil)
    }

    func testBooleans() throws {
        try check(.isTrue, null: nil, missing: nil)
        try check(.isTrue, true, .yes)
        try check(.isTrue, false, .no)
        try check(.isTrue, "true", .yes)
        try check(.isTrue, "false", .no)
        for value in ["True", "1", "", 1, 0, []] as [JSON] { try check(.isTrue, value, nil) }
    }

    func testLists() throws {
        for test in [Test.listContains("a"), .containsAnyOf(["x", "a"]), .containsAllOf(["a"])] {
            try check(test, null: .no, missing: nil)
            for value in ["a", "b;a", "b; A ;c", ["b", "a"]] as [JSON] {
                try check(test, value, .yes)
            }
            try check(test, "ab;c", .no)
            try check(test, "A", caseSensitive: true, .no)
            for value in [1, true, [:], [["a"]]] as [JSON] { try check(test, value, nil) }
        }
        try check(.containsAllOf(["a", "b"]), "a", .no)
        try check(.containsAllOf(["a", "b"]), "b;c;a", .yes)
        try check(.countEquals(0), null: .yes, missing: nil)
        try check(.countEquals(2), "a;b", .yes)
        try check(.countAtLeast(2), ["a"], .no)
        try check(.countAtLeast(1), ["a"], .yes)
        try check(.countAtMost(1), "a;b", .no)
        try check(.countAtMost(2), "a;b", .yes)
        try check(.countEquals(1), 1, nil)
    }

    func testOperatorsThatCompareWithAnotherField() throws {
        func check(
            _ left: JSON, _ right: JSON, caseSensitive: Bool = false, _ expected: Verdict?,
            line: UInt = #line
        ) throws {
            let facts = Facts(event: try Sample.change(old: [:], new: ["F": left, "G": right]))
            try self.check(
                .equalsField(.record("G")), facts, caseSensitive: caseSensitive, expected,
                line: line)
        }
        try check("a", "A", .yes)
        try check("a", "A", caseSensitive: true, .no)
        try check(nil, nil, .yes)
        try check(nil, "", .yes)
        try check(nil, "x", .no)
        try check(1, "1.0", .yes)
        try check(1, "x", .no)
        try check(true, "true", .yes)
        try check("2026-03-02T12:00:00Z", "2026-03-02T12:00:00.000+0000", .yes)
        try check("500QZ00000ABCDE", .string(Sample.caseID.long), .yes)
        try check(["a"], ["a"], .yes)
        let facts = Facts(event: try Sample.change(old: [:], new: ["F": "x"]))
        try self.check(.equalsField(.fact(.incidentTitle)), facts, nil)
    }

    func testChanges() throws {
        func check(
            _ test: Test, from old: JSON, to new: JSON, caseSensitive: Bool = false,
            _ expected: Verdict?, line: UInt = #line
        ) throws {
            let facts = Facts(event: try Sample.change(old: ["F": old], new: ["F": new]))
            try self.check(test, facts, caseSensitive: caseSensitive, expected, line: line)
        }
        try check(.changed, from: "a", to: "b", .yes)
        try check(.changed, from: "a", to: "A", .yes)
        try check(.changed, from: "a", to: "a", .no)
        try check(.changed, from: nil, to: "", .no)
        try check(.changed, from: nil, to: "a", .yes)
        try check(.changed, from: 1, to: 1.0, .no)
        try check(.changedTo("High"), from: "Low", to: "high", .yes)
        try check(.changedTo("High"), from: "Low", to: "high", caseSensitive: true, .no)
        try check(.changedTo("High"), from: "High", to: "High", .no)
        try check(.changedTo(nil), from: "Low", to: nil, .yes)
        try check(.changedTo(nil), from: nil, to: nil, .no)
        try check(.changedTo(5), from: 1, to: "5.0", .yes)
        try check(.changedTo(true), from: false, to: true, .yes)
        try check(.changedFrom("Low"), from: "Low", to: "High", .yes)
        try check(.changedFrom("Low"), from: "Low", to: "Low", .no)
        try check(.changedFrom(nil), from: nil, to: "High", .yes)
        try check(.changedFromTo("Low", "High"), from: "Low", to: "High", .yes)
        try check(.changedFromTo("Low", "High"), from: "Mid", to: "High", .no)
        try check(.increased, from: 1, to: 2, .yes)
        try check(.increased, from: 2, to: 1, .no)
        try check(.increased, from: 1, to: 1, .no)
        try check(.increased, from: "9", to: "10", .yes)
        try check(.decreased, from: 2, to: 1, .yes)
        try check(.decreased, from: "2026-03-02", to: "2026-03-01", .yes)
        try check(.increased, from: nil, to: 1, nil)
        try check(.increased, from: "Low", to: "High", nil)
        try check(.decreased, from: 1, to: nil, nil)
    }

    func testOnAnInsertEveryOldValueIsNull() throws {
        let facts = Facts(event: try Sample.change(old: nil, new: ["F": "High"]))
        try check(.changed, facts, .yes)
        try check(.changedTo("High"), facts, .yes)
        try check(.changedFrom(nil), facts, .yes)
        try check(.changedFrom("Low"), facts, .no)
        try check(.changed, Facts(event: try Sample.change(old: nil, new: [:])), .no)
    }

    func testWithoutOldValuesNoChangeIsEvaluable() throws {
        let facts = Facts(event: try Sample.outbound(["F": "High"]))
        for test in [Test.changed, .changedTo("High"), .changedFrom("Low"), .increased] {
            try check(test, facts, nil)
        }
        try check(.equals("High"), facts, .yes)
    }

    /// A field that the message leaves out may have any value until the record is fetched.
    func testAFieldThatAnOutboundMessageLeavesOutIsNotNull() throws {
        var facts = Facts(event: try Sample.outbound(["G": "High"]))
        let tests = [
            Test.exists, .isNull, .isEmpty, .equals("P1"), .equals(""), .isOneOf(["P1"]),
            .equalsField(.record("G")), .numberEquals(1), .isTrue, .listContains("P1"),
        ]
        for test in tests { try check(test, facts, nil) }
        try check(.equals("High"), facts, on: .record("g"), .yes)
        facts.records = [Sample.caseID: RecordFields(["F": "P1", "G": "Low"])]
        try check(.equals("P1"), facts, .yes)
        try check(.isNull, facts, .no)
        try check(.equals("High"), facts, on: .record("G"), .yes)
        facts.records = [Sample.caseID: RecordFields(["F": nil])]
        try check(.isNull, facts, .yes)
        try check(.equals("P1"), facts, .no)
    }

    func testAnOutboundMessageDoesNotTellWhetherTheRecordIsNew() throws {
        let facts = Facts(event: try Sample.outbound([:]))
        try check(.isTrue, facts, on: .fact(.recordIsNew), nil)
        try check(.exists, facts, on: .fact(.recordIsNew), .no)
        for (old, isNew) in [(nil, .yes), ([:], .no)] as [(JSONObject?, Verdict)] {
            let facts = Facts(event: try Sample.change(old: old, new: [:]))
            try check(.isTrue, facts, on: .fact(.recordIsNew), isNew)
        }
    }

    func testTheAgentOfARecordIsNullOnlyIfTheEventTellsSo() throws {
        let user = "005QZ00000ABCDEYA5"
        let id = Field.fact(.agentID)
        try check(.equals(user), Facts(event: try Sample.outbound([:])), on: id, nil)
        let outbound = try Sample.outbound(["LastModifiedById": .string(user)])
        try check(.equals(user), Facts(event: outbound), on: id, .yes)
        try check(.equals("x"), Facts(event: outbound), on: .fact(.agentName), nil)
        let apex = try Sample.change(old: [:], new: ["LastModifiedById": "005QZ00000ABCDFYA5"])
        try check(.equals(user), Facts(event: apex), on: id, .yes)
        try check(.exists, Facts(event: try Sample.v2(.resolved, [:])), on: id, .no)
    }

    func testAnEchoIsNoChange() throws {
        let event = try Sample.change(old: ["F": "a", "G": "a"], new: ["F": "b", "G": "b"])
        let facts = Facts(event: event, echoes: [.field("f")])
        try check(.changed, facts, .no)
        try check(.changedTo("b"), facts, .no)
        try check(.equals("b"), facts, .yes)
    }

    func testLinks() throws {
        var facts = Facts(event: try Sample.change(old: [:], new: [:]))
        let linkIncidents = Field.fact(.linkIncidents)
        try check(.hasLinkedIncident, facts, on: linkIncidents, .no)
        try check(.linkedIncidentStatusIs(.triggered), facts, on: linkIncidents, .no)
        facts.links = [Sample.link(), Sample.link("Q2"), Sample.link("Q3", Sample.secondCase)]
        try check(.hasLinkedIncident, facts, on: linkIncidents, .yes)
        try check(.numberEquals(2), facts, on: linkIncidents, .yes)
        try check(.linkedIncidentStatusIs(.triggered), facts, on: linkIncidents, nil)
        facts.incidents = ["Q2": Sample.fetched("Q2", status: .resolved)]
        try check(.linkedIncidentStatusIs(.resolved), facts, on: linkIncidents, .yes)
        try check(.linkedIncidentStatusIs(.triggered), facts, on: linkIncidents, nil)
        facts.incidents[Sample.incident] = Sample.fetched(status: .resolved)
        try check(.linkedIncidentStatusIs(.triggered), facts, on: linkIncidents, .no)

        var incident = Facts(event: try Sample.incidentEvent())
        try check(.hasLinkedRecord, incident, on: .fact(.linkRecords), .no)
        incident.links = [Sample.link(object: "Account"), Sample.link("Q2")]
        try check(.hasLinkedRecord, incident, on: .fact(.linkRecords), .no)
        incident.links.append(Sample.link(object: "case"))
        try check(.hasLinkedRecord, incident, on: .fact(.linkRecords), .yes)
    }

    /// `nil` stands for "not evaluable".
    private func check(
        _ test: Test, _ value: JSON, caseSensitive: Bool = false, _ expected: Verdict?,
        line: UInt = #line
    ) throws {
        let facts = Facts(event: try Sample.change(old: [:], new: ["F": value]))
        try check(test, facts, caseSensitive: caseSensitive, expected, line: line)
    }

    private func check(
        _ test: Test, null: Verdict?, missing: Verdict?, line: UInt = #line
    ) throws {
        try check(
            test, Facts(event: try Sample.change(old: [:], new: ["F": nil])), null, line: line)
        try check(test, Facts(event: try Sample.change(old: [:], new: [:])), null, line: line)
        try check(
            test, Facts(event: try Sample.change(old: [:], new: [:])), on: .fact(.incidentTitle),
            missing, line: line)
    }

    private func check(
        _ test: Test, _ facts: Facts, on field: Field? = nil, caseSensitive: Bool = false,
        _ expected: Verdict?, line: UInt = #line
    ) throws {
        for isNegated in [false, true] {
            let condition = Condition(
                field: field ?? self.field, test: test, isNegated: isNegated,
                isCaseSensitive: caseSensitive)
            let scope = RuleScope(
                context: Context(facts, now: Sample.now), object: "Case",
                record: facts.event.record?.reference)
            let patterns = Rulebook.compiled([condition])
            let verdict = ConditionEvaluation(scope: scope, patterns: patterns).verdict(condition)
            switch (expected, verdict) {
            case (nil, .notEvaluable), (nil, .unfetched): break
            case (nil, _), (.some, _):
                let opposite: Verdict = expected == .yes ? .no : .yes
                XCTAssertEqual(
                    verdict, isNegated ? opposite : expected,
                    "\(condition.operator.name)", line: line)
            }
        }
    }
}

extension JSONNumber: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self.init(value) }
}
