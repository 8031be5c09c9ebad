import JSON
import Models
import XCTest

final class RuleReadingTests: XCTestCase {
    func testReadsAWholeRulesetAndWritesItByteForByte() throws {
        let text = """
            {"name":"Cases","enabled":true,"rules":[{"id":"open","name":"Open an incident",\
            "enabled":false,"object":"Case","direction":"recordChange",\
            "when":{"all":[{"field":"record.Priority","operator":"changedTo","value":"High"},\
            {"any":[{"field":"record.Status","operator":"isOneOf","value":["New","Open"],\
            "caseSensitive":true},{"field":"link.incidents","operator":"hasNoLinkedIncident"}]},\
            {"none":[{"field":"record.Amount__c","operator":"between","value":[1,2.50]}]}]},\
            "actions":[{"type":"createIncident","service":"PSVC01","title":"{{record.Subject}}",\
            "body":"x","urgency":"high","priority":"PPRI01","assignTo":{"users":["PUSR01"]}},\
            {"type":"acknowledgeIncident"},{"type":"resolveIncident","resolution":"done"},\
            {"type":"setIncidentPriority","priority":"PPRI02"},\
            {"type":"startIncidentWorkflow","workflow":"PWFL01"},\
            {"type":"runResponsePlay","play":"PPLY01"},\
            {"type":"reassignIncident","escalationPolicy":"PPOL01"},\
            {"type":"addNote","text":"n"},\
            {"type":"setField","field":"Status","value":null,"runsAssignmentRules":true},\
            {"type":"createRecord","object":"Task","fields":{"Subject":"s","Done__c":false},\
            "externalId":{"field":"Key__c","value":"{{event.id}}"},"allowsDuplicate":true},\
            {"type":"addComment","text":"c","public":true},\
            {"type":"deliver","path":"/services/apexrest/x/y","body":{"a":["{{event.id}}",1]}}]},\
            {"id":"merge","name":"merge","enabled":true,"object":"Outage__c",\
            "direction":"incidentChange","onMerge":"run","when":{"always":true},\
            "actions":[{"type":"deliver","path":"/services/apexrest/x"}]}]}
            """
        XCTAssertEqual(try read(text)?.json.text, text)
    }

    /// A day stays a day on its way through the database.
    func testADateStaysADateWhenItIsWritten() throws {
        func check(_ operand: String, _ written: String, line: UInt = #line) throws {
            let text = ruleset(
                rule: """
                    "when": {"field": "record.A", "operator": "dateBetween", "value": \(operand)}
                    """)
            guard case .condition(let condition)? = try read(text)?.rules.first?.when else {
                return XCTFail("no condition", line: line)
            }
            XCTAssertEqual(condition.json["value"]?.text, written, line: line)
        }
        try check(#"["2026-03-01", "2026-03-02"]"#, #"["2026-03-01","2026-03-02"]"#)
        try check(
            #"["2026-03-02T00:00:00Z", "2026-03-02T10:00+01:00"]"#,
            #"["2026-03-02T00:00:00.000Z","2026-03-02T09:00:00.000Z"]"#)
    }

    func testOptionalMembersHaveDefaults() throws {
        let rule = try read(ruleset(rule: #""when": {"always": true}"#))?.rules.first
        XCTAssertEqual(rule?.name, "r")
        XCTAssertEqual(rule?.isEnabled, true)
        XCTAssertEqual(rule?.onMerge, .skip)
    }

    func testNotesEveryProblemAtItsPointer() throws {
        let text = """
            {"name": "a/b", "enable": true, "rules": [
              {"id": "Up", "object": "My Case", "direction": "both"},
              {"id": "r", "object": "Case", "direction": "recordChange", "onMerge": "maybe",
               "when": {"all": [{"field": "record.A", "operator": "is", "value": 1},
                                {"field": "Status", "operator": "equals"},
                                {"any": 5}]},
               "actions": [{"type": "addNote"}, {"type": "fly"},
                           {"type": "setField", "field": "Id", "value": ["x"]}]},
              {"id": "r", "object": "Case", "direction": "recordChange",
               "when": {"always": false}, "actions": []}]}
            """
        XCTAssertEqual(
            try problems(text).map(\.pointer),
            [
                "/name", "/rules/0/id", "/rules/0/object", "/rules/0/direction", "/rules/0/when",
                "/rules/0/actions", "/rules/1/onMerge", "/rules/1/when/all/0/operator",
                "/rules/1/when/all/1/field", "/rules/1/when/all/1/value",
                "/rules/1/when/all/2/any", "/rules/1/actions/0/text", "/rules/1/actions/1/type",
                "/rules/1/actions/2/field", "/rules/1/actions/2/value", "/rules/2/when/always",
                "/rules/2/actions", "/rules/2/id", "/enable",
            ])
    }

    /// - Parameter pointer: the problem's place within the condition; nil if there is none.
    private func check(
        _ condition: String, _ direction: String = "recordChange", at pointer: String?,
        line: UInt = #line
    ) throws {
        let text = ruleset(rule: #""when": {"all": [\#(condition)]}"#, direction: direction)
        XCTAssertEqual(
            try problems(text).map(\.pointer),
            pointer.map { ["/rules/0/when/all/0" + $0] } ?? [], line: line)
    }

    func testAConditionsFieldAndOperatorMustSuitTheDirection() throws {
        try check(#"{"field": "record.A", "operator": "equals", "value": "x"}"#, at: nil)
        try check(#"{"field": "record.A.B", "operator": "exists"}"#, at: "/field")
        try check(#"{"field": "incident.nothing", "operator": "exists"}"#, at: "/field")
        try check(#"{"field": "note.text", "operator": "exists"}"#, at: "/field")
        try check(#"{"field": "note.text", "operator": "exists"}"#, "incidentChange", at: nil)
        try check(
            #"{"field": "record.isNew", "operator": "isTrue"}"#, "incidentChange", at: "/field")
        try check(
            #"{"field": "record.A", "operator": "changed"}"#, "incidentChange", at: "/operator")
        try check(#"{"field": "incident.title", "operator": "changed"}"#, at: "/operator")
        try check(
            #"{"field": "incident.title", "operator": "greaterThan", "value": 1}"#, at: "/operator")
        try check(
            #"{"field": "incident.assignees", "operator": "equals", "value": "x"}"#, at: "/operator"
        )
        try check(#"{"operator": "hasLinkedIncident"}"#, at: nil)
        try check(#"{"operator": "hasLinkedIncident"}"#, "incidentChange", at: "/operator")
        try check(#"{"field": "record.A", "operator": "hasLinkedIncident"}"#, at: "/operator")
        try check(#"{"operator": "hasLinkedRecord"}"#, "incidentChange", at: nil)
        try check(#"{"operator": "exists"}"#, at: "/field")
        try check("7", at: "")
    }

    func testAConditionsOperandMustSuitTheOperator() throws {
        try check(#"{"field": "record.A", "operator": "exists", "value": 1}"#, at: "/value")
        try check(#"{"field": "record.A", "operator": "equals", "value": 1}"#, at: "/value")
        try check(#"{"field": "record.A", "operator": "isOneOf", "value": []}"#, at: "/value")
        try check(
            #"{"field": "record.A", "operator": "isOneOf", "value": ["a", 1]}"#, at: "/value/1")
        try check(#"{"field": "record.A", "operator": "between", "value": [2, 1]}"#, at: "/value")
        try check(#"{"field": "record.A", "operator": "before", "value": "soon"}"#, at: "/value")
        try check(#"{"field": "record.A", "operator": "olderThan", "value": "1w"}"#, at: "/value")
        try check(#"{"field": "record.A", "operator": "countEquals", "value": -1}"#, at: "/value")
        try check(
            #"{"operator": "linkedIncidentStatusIs", "value": "closed"}"#, at: "/value")
        try check(
            #"{"field": "incident.eventType", "operator": "equals", "value": "triger"}"#,
            "incidentChange", at: "/value")
        try check(
            #"{"field": "record.A", "operator": "equalsField", "value": "record.B"}"#, at: nil)
        try check(#"{"field": "record.A", "operator": "equalsField", "value": "B"}"#, at: "/value")
        try check(
            #"{"field": "record.A", "operator": "equals", "value": "x", "exact": true}"#,
            at: "/exact")
    }

    func testTheEndsOfARangeOfDatesStandInOrder() throws {
        for (ends, pointer) in [
            (#"["2026-03-02", "2026-03-02"]"#, nil), (#"["2026-03-03", "2026-03-02"]"#, "/value"),
            (#"["2026-03-02T09:00Z", "2026-03-02"]"#, nil),
            (#"["2026-03-02", "2026-03-01T23:59:59Z"]"#, "/value"),
            (#"["2026-03-02", "2026-02-30"]"#, "/value/1"),
        ] as [(String, String?)] {
            try check(
                #"{"field": "record.A", "operator": "dateBetween", "value": \#(ends)}"#,
                at: pointer)
        }
    }

    func testTheOperandOfAChangeMayBeNull() throws {
        try check(#"{"field": "record.A", "operator": "changedTo", "value": null}"#, at: nil)
        try check(#"{"field": "record.A", "operator": "changedTo"}"#, at: "/value")
        try check(#"{"field": "record.A", "operator": "changedTo", "value": {}}"#, at: "/value")
        try check(
            #"{"field": "record.A", "operator": "changedFromTo", "value": [null, 1]}"#, at: nil)
    }

    func testTheCallerChecksRegularExpressions() throws {
        let text = ruleset(
            rule: #""when": {"field": "record.A", "operator": "matchesRegex", "value": "("}"#)
        let problems = JSONProblems()
        let reader = JSONReader(try JSON(parsing: text), problems: problems)
        XCTAssertNil(Ruleset(reading: reader) { "no \($0)" })
        XCTAssertEqual(
            problems.all.map(\.description), ["/rules/0/when/value: is no regular expression: no ("]
        )
    }

    func testAnActionIsRefusedAtTheMemberThatIsWrong() throws {
        func check(
            _ json: String, _ direction: String = "recordChange", at pointer: String?,
            line: UInt = #line
        ) throws {
            let text = ruleset(
                rule: #""when": {"always": true}"#, actions: json, direction: direction)
            XCTAssertEqual(
                try problems(text).map(\.pointer),
                pointer.map { ["/rules/0/actions/0" + $0] } ?? [],
                line: line)
        }
        try check(#"{"type": "createIncident", "service": "P", "title": "t"}"#, at: nil)
        try check(
            #"{"type": "createIncident", "service": "P", "title": "t"}"#, "incidentChange", at: "")
        try check(#"{"type": "createIncident", "service": "", "title": "t"}"#, at: "/service")
        try check(#"{"type": "reassignIncident"}"#, at: "")
        try check(#"{"type": "reassignIncident", "users": []}"#, at: "/users")
        try check(
            #"{"type": "reassignIncident", "users": ["P"], "escalationPolicy": "P"}"#, at: "")
        try check(#"{"type": "addNote", "text": "{{record.A"}"#, at: "/text")
        try check(#"{"type": "addNote", "text": "{{note.text}}"}"#, at: "/text")
        try check(#"{"type": "addNote", "text": "{{note.text}}"}"#, "incidentChange", at: nil)
        try check(#"{"type": "setField", "field": "a b", "value": 1}"#, at: "/field")
        try check(#"{"type": "setField", "field": "A"}"#, at: "/value")
        try check(
            #"{"type": "createRecord", "object": "Task", "fields": {"A.B": 1}}"#, at: "/fields/A.B")
        try check(
            #"{"type": "createRecord", "object": "Task", "fields": {}, "externalId": {"field": "K"}}"#,
            at: "/externalId/value")
        for path in [
            "/services/data/x", "/services/apexrest/", "/services/apexrest/../x",
            "/services/apexrest/a?b", "/services/apexrest/a//b", "http://x/services/apexrest/a",
        ] {
            try check(#"{"type": "deliver", "path": "\#(path)"}"#, at: "/path")
        }
    }

    func testTextsAreRefusedBeyondTheirLimits() throws {
        let always = #""when": {"always": true}"#
        let rows: [(limit: Int, text: (String) -> String)] = [
            (
                1024,
                { self.ruleset(rule: #""when": \#(Self.condition("matchesRegex", $0))"#) }
            ),
            (
                80,
                { self.ruleset(rule: #""when": {"field": "record.\#($0)", "operator": "exists"}"#) }
            ),
            (
                32 * 1024,
                { self.ruleset(rule: always, actions: #"{"type": "addNote", "text": "\#($0)"}"#) }
            ),
        ]
        for row in rows {
            let longest = String(repeating: "a", count: row.limit)
            XCTAssertEqual(try problems(row.text(longest)), [])
            XCTAssertNotEqual(try problems(row.text(longest + "a")), [], "\(row.limit)")
        }
    }

    func testListsAndGroupsAreRefusedBeyondTheirLimits() throws {
        let always = #""when": {"always": true}"#
        let exists = #"{"field": "record.A", "operator": "exists"}"#
        let action = #"{"type": "acknowledgeIncident"}"#
        func many(_ count: Int, _ element: String) -> String {
            Array(repeating: element, count: count).joined(separator: ",")
        }
        func nested(_ depth: Int) -> String {
            String(repeating: #"{"all":["#, count: depth) + exists
                + String(repeating: "]}", count: depth)
        }
        func rules(_ count: Int) -> String {
            let rules = (0..<count).map {
                #"{"id": "r\#($0)", "object": "Case", "direction": "recordChange", \#(always), "#
                    + #""actions": [\#(action)]}"#
            }
            return #"{"name": "n", "rules": [\#(rules.joined(separator: ","))]}"#
        }
        let rows: [(limit: Int, text: (Int) -> String)] = [
            (8, { self.ruleset(rule: #""when": \#(nested($0))"#) }),
            (
                200,
                {
                    let split =
                        #"{"any": [\#(many(100, exists))]}, {"any": [\#(many($0 - 100, exists))]}"#
                    return self.ruleset(rule: #""when": {"all": [\#(split)]}"#)
                }
            ),
            (20, { self.ruleset(rule: always, actions: many($0, action)) }),
            (500, rules),
        ]
        for row in rows {
            XCTAssertEqual(try problems(row.text(row.limit)), [])
            XCTAssertNotEqual(try problems(row.text(row.limit + 1)), [], "\(row.limit)")
        }
    }

    private static func condition(_ name: String, _ value: String) -> String {
        #"{"field": "record.A", "operator": "\#(name)", "value": "\#(value)"}"#
    }

    func testTwoRulesetsOfOneNameAreRefused() throws {
        let one = ruleset(rule: #""when": {"always": true}"#)
        let problems = JSONProblems()
        let reader = JSONReader(try JSON(parsing: "[\(one),\(one)]"), problems: problems)
        XCTAssertNil(Ruleset.list(reading: reader))
        XCTAssertEqual(problems.all.map(\.pointer), ["/1/name"])
    }

    private func ruleset(
        rule: String, actions: String = #"{"type": "acknowledgeIncident"}"#,
        direction: String = "recordChange"
    ) -> String {
        """
        {"name": "n", "rules": [{"id": "r", "object": "Case", "direction": "\(direction)", \(rule),
        "actions": [\(actions)]}]}
        """
    }

    private func read(_ text: String) throws -> Ruleset? {
        let problems = JSONProblems()
        let ruleset = Ruleset(reading: JSONReader(try JSON(parsing: text), problems: problems))
        XCTAssertEqual(problems.all, [])
        return ruleset
    }

    private func problems(_ text: String) throws -> [JSONProblem] {
        let problems = JSONProblems()
        let ruleset = Ruleset(reading: JSONReader(try JSON(parsing: text), problems: problems))
        XCTAssertEqual(ruleset == nil, !problems.all.isEmpty, "a problem and a ruleset, or neither")
        return problems.all
    }
}
