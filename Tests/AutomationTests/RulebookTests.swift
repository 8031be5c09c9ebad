import JSON
import Models
import XCTest

@testable import Automation

final class RulebookTests: XCTestCase {
    func testGroupsCombineWithThreeValues() {
        let (yes, no, unknown) = (Verdict.yes, Verdict.no, Verdict.notEvaluable("x"))
        let later = Verdict.unfetched
        func check(
            _ verdicts: [Verdict], all: Verdict, any: Verdict, none: Verdict, line: UInt = #line
        ) {
            XCTAssertEqual(Verdict(of: .all, verdicts), all, line: line)
            XCTAssertEqual(Verdict(of: .any, verdicts), any, line: line)
            XCTAssertEqual(Verdict(of: .none, verdicts), none, line: line)
        }
        check([], all: no, any: no, none: no)
        check([yes], all: yes, any: yes, none: no)
        check([no], all: no, any: no, none: yes)
        check([unknown], all: unknown, any: unknown, none: unknown)
        check([yes, no], all: no, any: yes, none: no)
        check([yes, unknown], all: unknown, any: yes, none: no)
        check([no, unknown], all: no, any: unknown, none: unknown)
        check([later], all: later, any: later, none: later)
        check([later, no], all: no, any: later, none: later)
        check([later, yes], all: later, any: yes, none: no)
        // A condition that cannot come true decides `all`, whatever is still to be fetched.
        check([later, unknown], all: unknown, any: later, none: unknown)
    }

    func testAnEmptyGroupNeverMatchesButAlwaysDoes() throws {
        let event = Facts(event: try Sample.change(old: [:], new: [:]))
        for (when, matches) in [
            (#"{"all": []}"#, false), (#"{"any": []}"#, false), (#"{"none": []}"#, false),
            (#"{"none": [{"all": []}]}"#, true), (#"{"always": true}"#, true),
        ] {
            let book = try rulebook(rule(when: when))
            XCTAssertEqual(
                !book.judge(event, now: Sample.now).matches.isEmpty, matches, when)
        }
    }

    func testARuleOnIncidentsIsEvaluatedForEachLinkedRecordOfItsObject() throws {
        let book = try rulebook(
            rule(
                "r", .incidentChange,
                when: #"{"field": "record.Status", "operator": "equals", "value": "New"}"#))
        var facts = Facts(event: try Sample.incidentEvent())
        XCTAssertEqual(book.explain(facts, now: Sample.now).map(\.record), [nil])
        facts.links = [
            Sample.link(), Sample.link(Sample.incident, Sample.secondCase),
            Sample.link(object: "Account"), Sample.link("Q9"), Sample.link(),
        ]
        facts.records = [
            Sample.caseID: RecordFields(["Status": "New"]),
            Sample.secondCase: RecordFields(["Status": "Closed"]),
        ]
        let evaluations = book.explain(facts, now: Sample.now)
        XCTAssertEqual(evaluations.map(\.record?.id), [Sample.caseID, Sample.secondCase])
        XCTAssertEqual(evaluations.map(\.isMatched), [true, false])
    }

    func testAnOpenLinkedIncidentIsPreferredThenTheNewest() throws {
        func check(_ incidents: [Incident], _ id: JSON, line: UInt = #line) throws {
            let facts = Facts(
                event: try Sample.change(old: [:], new: [:]),
                links: incidents.map { Sample.link($0.id) },
                incidents: Dictionary(uniqueKeysWithValues: incidents.map { ($0.id, $0) }))
            let scope = RuleScope(
                context: Context(facts, now: Sample.now), object: "Case",
                record: Sample.caseReference)
            XCTAssertEqual(scope.value(of: .fact(.incidentID)), .known(id), line: line)
        }
        let old = Sample.fetched("Q1", status: .triggered, number: 1)
        let newer = Sample.fetched("Q2", status: .acknowledged, number: 2)
        let resolved = Sample.fetched("Q3", status: .resolved, number: 3)
        try check([old], "Q1")
        try check([old, newer, resolved], "Q2")
        try check([resolved, newer, old], "Q2")
        try check([resolved], "Q3")
    }

    func testTheEventsValueIsPreferredToAFetchedOne() throws {
        var facts = Facts(
            event: try Sample.incidentEvent(.acknowledged, with: ["status": "acknowledged"]))
        facts.incidents = [Sample.incident: Sample.fetched(status: .resolved)]
        let book = try rulebook(
            rule(
                "r", .incidentChange,
                when:
                    #"{"field": "incident.status", "operator": "equals", "value": "acknowledged"}"#
            ))
        XCTAssertFalse(book.judge(facts, now: Sample.now).matches.isEmpty)
    }

    private func check(
        _ event: EventFacts, _ fact: Fact, _ value: JSON, line: UInt = #line
    ) {
        let context = Context(Facts(event: event), now: Sample.now)
        let scope = RuleScope(context: context, object: "Case", record: nil)
        XCTAssertEqual(scope.value(of: .fact(fact)), .known(value), line: line)
    }

    func testReadsEveryFactOfAnIncident() throws {
        let incident = try Sample.incidentEvent(.priorityUpdated)
        check(incident, .incidentID, "Q1INCIDENT0001")
        check(incident, .incidentEventType, "priorityUpdate")
        check(incident, .incidentTitle, "Checkout is down")
        check(incident, .incidentStatus, "triggered")
        check(incident, .incidentUrgency, "high")
        check(incident, .incidentNumber, 7)
        check(incident, .incidentURL, "https://acme.example/incidents/Q1INCIDENT0001")
        check(incident, .incidentKey, "k-1")
        check(incident, .incidentServiceID, "PSVC01")
        check(incident, .incidentServiceName, "Checkout")
        check(incident, .incidentEscalationPolicyID, "PPOL01")
        check(incident, .incidentEscalationPolicyName, "First line")
        check(incident, .incidentPriorityID, "PPRI01")
        check(incident, .incidentPriorityName, "P1")
        check(incident, .incidentAssignees, ["PUSR01", "PUSR02"])
        check(incident, .incidentAssigneeNames, ["Ada", "Grace"])
        check(incident, .incidentCreatedAt, "2026-03-02T09:00:00.000Z")
        check(incident, .incidentMergedInto, nil)
        check(incident, .agentID, "PUSR01")
        check(incident, .agentName, "Ada")
        check(incident, .eventID, "E1")
        check(incident, .eventOccurredAt, "2026-03-02T11:59:00.000Z")
    }

    func testReadsTheFactsOfOtherEvents() throws {
        check(try Sample.incidentEvent(with: ["priority": nil]), .incidentPriorityName, nil)
        check(try Sample.note("hi"), .noteText, "hi")
        check(try Sample.note("hi"), .noteID, "PNOTE01")
        let custom = try Sample.v2(.custom, ["webhook": ["id": "PHOOK01", "name": "Open"]])
        check(custom, .incidentEventType, "custom")
        check(custom, .customActionID, "PHOOK01")
        check(custom, .customActionName, "Open")
        check(custom, .incidentPriorityID, nil)
        check(try Sample.change(old: nil, new: [:]), .recordIsNew, true)
        check(try Sample.change(old: [:], new: [:]), .agentID, "005QZ00000ABCDEYA5")
    }

    func testAMergedIncidentMatchesOnlyRulesThatRunOnMerge() throws {
        let target: JSON = ["type": "merge_resolve_reason", "incident": ["id": "Q2"]]
        let facts = Facts(
            event: try Sample.incidentEvent(.resolved, with: ["resolve_reason": target]))
        func matches(_ onMerge: String) throws -> Bool {
            try !rulebook(rule("r", .incidentChange, onMerge: onMerge))
                .judge(facts, now: Sample.now).matches.isEmpty
        }
        XCTAssertFalse(try matches("skip"))
        XCTAssertTrue(try matches("run"))
    }

    func testAnEchoMatchesNoRule() throws {
        let book = try rulebook(rule(), rule("i", .incidentChange))
        func check(
            _ event: EventFacts, _ echoes: Set<Echo>, isEcho: Bool, line: UInt = #line
        ) {
            let facts = Facts(event: event, echoes: echoes)
            XCTAssertEqual(facts.isWhollyEcho, isEcho, line: line)
            XCTAssertEqual(
                book.judge(facts, now: Sample.now).matches.isEmpty, isEcho,
                line: line)
        }
        let change = try Sample.change(
            old: ["A": 1, "B": 1, "SystemModstamp": "x"],
            new: ["A": 2, "B": 2, "SystemModstamp": "y"])
        check(change, [], isEcho: false)
        check(change, [.field("A")], isEcho: false)
        check(change, [.field("a"), .field("B")], isEcho: true)
        check(try Sample.change(old: ["A": 1], new: ["A": 1]), [], isEcho: false)
        let insert = try Sample.change(old: nil, new: ["A": 1])
        check(insert, [.field("A")], isEcho: false)
        check(insert, [.created], isEcho: true)
        check(try Sample.incidentEvent(.triggered), [.incidentStatus], isEcho: false)
        check(try Sample.incidentEvent(.acknowledged), [.incidentStatus], isEcho: true)
        check(try Sample.incidentEvent(.acknowledged), [.incidentPriority], isEcho: false)
        check(try Sample.incidentEvent(.resolved), [.incidentStatus], isEcho: true)
        check(try Sample.incidentEvent(.reopened), [.incidentStatus], isEcho: false)
        check(try Sample.incidentEvent(.priorityUpdated), [.incidentPriority], isEcho: true)
        check(try Sample.incidentEvent(.delegated), [.incidentAssignment], isEcho: true)
        check(try Sample.note("x"), [.mirrored], isEcho: true)
    }

    func testExplainEvaluatesEveryRule() throws {
        let book = try rulebook(
            rule("match"), rule("other", object: "Account"), rule("back", .incidentChange),
            rule("never", when: #"{"field": "record.A", "operator": "changedTo", "value": 9}"#))
        let facts = Facts(event: try Sample.change(old: ["A": 1], new: ["A": 1]))
        XCTAssertEqual(
            book.judge(facts, now: Sample.now).rulesAsked, 1,
            "the index leaves out what cannot match")
        let lines = book.explain(facts, now: Sample.now).map { evaluation in
            switch evaluation.result {
            case .matched: "\(evaluation.rule) matched"
            case .notMatched: "\(evaluation.rule) not matched"
            case .notApplicable(let reason): "\(evaluation.rule) \(reason)"
            }
        }
        XCTAssertEqual(
            lines,
            [
                "set/match matched",
                "set/other the rule is about Account, the record is of Case",
                "set/back the rule is for incident changes, the event is of record changes",
                "set/never not matched",
            ])
        XCTAssertEqual(book.explain(facts, now: Sample.now, only: "set/never").count, 1)
    }

    func testTheTextOfAnExplanation() throws {
        let book = try rulebook(
            rule(
                when: """
                    {"all": [{"field": "record.Priority", "operator": "changedTo", "value": "High"},
                    {"none": [{"field": "incident.status", "operator": "equals",
                    "value": "resolved"}]}]}
                    """))
        let facts = Facts(
            event: try Sample.change(old: ["Priority": "Low"], new: ["Priority": "High"]))
        let evaluation = try XCTUnwrap(book.explain(facts, now: Sample.now).first)
        XCTAssertEqual(
            evaluation.text,
            """
            set/r for Case 500QZ00000ABCDEYA5: not matched
              all: notEvaluable
                record.Priority changedTo "High": true (is "High", was "Low")
                none: notEvaluable
                  incident.status equals "resolved": notEvaluable (no incident is linked)
            """)
        XCTAssertEqual(
            evaluation.json,
            try JSON(
                parsing: """
                    {"rule": "set/r", "record": {"object": "Case", "id": "500QZ00000ABCDEYA5"},
                    "result": "notMatched", "conditions": {"all": [
                    {"field": "record.Priority", "operator": "changedTo", "left": "High",
                    "old": "Low", "right": "High", "result": "true"},
                    {"none": [{"field": "incident.status", "operator": "equals",
                    "right": "resolved", "result": "notEvaluable",
                    "reason": "no incident is linked"}], "result": "notEvaluable"}],
                    "result": "notEvaluable"}}
                    """))
    }

    func testDisabledRulesAndRulesetsAreLeftOut() throws {
        let always = Rule(
            id: "a", name: "a", isEnabled: false, object: "Case", direction: .recordChange,
            when: .always, actions: [.acknowledgeIncident])
        var enabled = always
        enabled.isEnabled = true
        let book = Rulebook(
            connection: Sample.connection, version: 1,
            rulesets: [
                Ruleset(name: "on", rules: [always]),
                Ruleset(name: "off", isEnabled: false, rules: [enabled]),
            ])
        XCTAssertEqual(
            book.explain(Facts(event: try Sample.change(old: [:], new: [:])), now: Sample.now), [])
    }

    /// Whatever the rules and events: what the index leaves out would not have matched, and to
    /// judge and to explain come to the same.
    func testTheIndexLosesNoMatch() throws {
        var dice = Dice(seed: 3)
        let rules = (0..<300).map { number in randomRule(number, &dice) }
        let book = Rulebook(
            connection: Sample.connection, version: 1,
            rulesets: [Ruleset(name: "set", rules: rules)])
        var matched = 0
        for _ in 0..<150 {
            let facts = Facts(event: try randomEvent(&dice))
            let found = book.judge(facts, now: Sample.now).matches
            let explained = book.explain(facts, now: Sample.now).filter(\.isMatched)
            XCTAssertEqual(found, explained.map { Match(rule: $0.rule, record: $0.record) })
            matched += found.count
        }
        XCTAssertGreaterThan(matched, 500, "the events must match something")
    }

    func testTheIndexFindsOnlyRulesThatCouldMatch() throws {
        let rules = (0..<2000).map { number in
            Rule(
                id: "r\(number)", name: "r", object: "Case", direction: .recordChange,
                when: .all([
                    .condition(
                        Condition(field: .record("Queue__c"), test: .equals("queue \(number)"))),
                    .condition(Condition(field: .record("Status"), test: .changed)),
                ]), actions: [.acknowledgeIncident])
        }
        let book = Rulebook(
            connection: Sample.connection, version: 1,
            rulesets: [Ruleset(name: "set", rules: rules)])
        let facts = Facts(
            event: try Sample.change(
                old: ["Status": "New"], new: ["Status": "Open", "Queue__c": "QUEUE 77"]))
        let context = Context(facts, now: Sample.now)
        XCTAssertEqual(book.index.candidates(context), [77])
        XCTAssertEqual(book.judge(facts, now: Sample.now).matches.count, 1)
    }

    private func randomRule(_ number: Int, _ dice: inout Dice) -> Rule {
        let direction: Rule.Direction = dice.roll(2) == 0 ? .recordChange : .incidentChange
        let conditions = (0...dice.roll(3)).map { _ in randomTree(direction, &dice) }
        let tree: ConditionTree =
            switch dice.roll(5) {
            case 0: .any(conditions)
            case 1: .none(conditions)
            case 2: .all([.all(conditions), .any([conditions[0]])])
            default: .all(conditions)
            }
        return Rule(
            id: "r\(number)", name: "r", object: dice.roll(4) == 0 ? "Account" : "case",
            direction: direction, when: tree, actions: [.acknowledgeIncident])
    }

    private func randomTree(_ direction: Rule.Direction, _ dice: inout Dice) -> ConditionTree {
        let words = [
            "new", "Open", "", "500QZ00000ABCDE", "500QZ00000ABCDEAAA",
        ]
        let field: Field
        let test: Test
        switch direction {
        case .recordChange:
            field = .record(["A", "b"][dice.roll(2)])
            test =
                [
                    .equals(words[dice.roll(5)]), .isOneOf([words[dice.roll(5)], "x"]), .changed,
                    .changedTo(.string(words[dice.roll(5)])), .isEmpty,
                ][dice.roll(5)]
        case .incidentChange:
            field = .fact([.incidentEventType, .incidentServiceID, .incidentStatus][dice.roll(3)])
            test =
                [.equals("trigger"), .equals("PSVC01"), .isOneOf(["resolve", "triggered"])][
                    dice.roll(3)]
        }
        return .condition(
            Condition(
                field: field, test: test, isNegated: dice.roll(4) == 0,
                isCaseSensitive: dice.roll(3) == 0))
    }

    private func randomEvent(_ dice: inout Dice) throws -> EventFacts {
        guard dice.roll(3) > 0 else {
            return try Sample.incidentEvent(
                [.triggered, .resolved, .escalated][dice.roll(3)],
                with: ["service": ["id": ["PSVC01", "PSVC02"][dice.roll(2)].json]])
        }
        let values: [JSON] = ["NEW", "open", nil, "500QZ00000ABCDEYA5", 5, "x", "500QZ00000ABCDE"]
        func fields() -> JSONObject {
            ["A": values[dice.roll(7)], "B": values[dice.roll(7)]]
        }
        let old = dice.roll(4) == 0 ? nil : fields()
        return try Sample.change(
            old: old, new: fields(), object: dice.roll(4) == 0 ? "Account" : "Case")
    }
}

extension String {
    fileprivate var json: JSON { .string(self) }
}
