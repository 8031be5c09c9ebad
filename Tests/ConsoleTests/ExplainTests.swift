import JSON
import Models
import Store
import XCTest

/// `console explain` answers "why did this rule not fire?".
final class ExplainTests: XCTestCase {
    private let checkout = Sample.rule(
        "checkout",
        when: ["all": [Sample.condition("incident.service.name", "equals", "Checkout")]])
    private let search = Sample.rule(
        "search",
        when: [
            "all": [
                Sample.condition("incident.urgency", "equals", "high"),
                Sample.condition("incident.service.name", "equals", "Search"),
            ]
        ])
    private let off = Sample.rule("off", when: ["always": true], enabled: false)

    private func fixture() async throws -> ConsoleFixture {
        let fixture = try await ConsoleFixture(for: self)
        try await fixture.apply([checkout, search, off])
        return fixture
    }

    func testEveryEnabledRuleIsExplained() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1")])
        try await fixture.settle { _ in .applied }
        let run = await fixture.run("explain", "E1")
        XCTAssertEqual(run.errors, [])
        XCTAssertEqual(
            run.output,
            [
                "rules of version 1, in force when the event was settled",
                "",
                "Demo/checkout: matched",
                "  all: true",
                #"    incident.service.name equals "Checkout": true (is "Checkout")"#,
                "",
                "Demo/search: not matched",
                "  all: false",
                #"    incident.urgency equals "high": true (is "high")"#,
                #"    incident.service.name equals "Search": false (is "Checkout")"#,
            ])
    }

    /// The answer to "it matched, so why did nothing happen?".
    func testTheStateOfEachActionIsShown() async throws {
        let fixture = try await ConsoleFixture(for: self)
        let rule: JSON = [
            "id": "tell", "object": "Case", "direction": "incidentChange",
            "when": ["always": true],
            "actions": [
                ["type": "addNote", "text": "seen"],
                ["type": "setField", "field": "Status", "value": "Working"],
                ["type": "setIncidentPriority", "priority": "{{record.Priority}}"],
            ],
        ]
        try await fixture.apply([rule])
        try await fixture.append([Sample.event("E1")])
        let key = EffectKey(event: "E1", rule: "Demo/tell", ordinal: 0, target: "Q1")
        try await fixture.perform(key, result: ["note": "PNOTE1"])
        try await fixture.settle { _ in .applied }
        let run = await fixture.run("explain", "E1")
        XCTAssertEqual(
            run.output.suffix(5),
            [
                "Demo/tell: matched", "  always: true",
                #"  action 1 on Q1: performed {"note":"PNOTE1"}"#,
                "  action 2: no record is linked",
                "  cannot be performed: liaison template.empty: priority is empty: {{record.Priority}}",
            ])
        let json = await fixture.run("explain", "E1", "--json")
        let rules = try JSON(parsing: try XCTUnwrap(json.output.first))["rules"]
        let actions = rules?[0]?["actions"]
        XCTAssertEqual(actions?["effects"]?[0]?["state"], "performed")
        XCTAssertEqual(actions?["remarks"], ["action 2: no record is linked"])
        XCTAssertEqual(actions?["problems"]?.array?.count, 1)
    }

    func testOneRuleIsExplained() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1")])
        try await fixture.settle { _ in .unmatched }
        for name in ["search", "Demo/search"] {
            let run = await fixture.run("explain", "E1", name, "--json")
            let explanation = try JSON(parsing: try XCTUnwrap(run.output.first))
            XCTAssertEqual(explanation["outcome"], "unmatched")
            XCTAssertEqual(explanation["configurationVersion"], 1)
            XCTAssertEqual(explanation["rules"]?.array?.count, 1)
            let rule = explanation["rules"]?[0]
            XCTAssertEqual(rule?["rule"], "Demo/search")
            XCTAssertEqual(rule?["result"], "notMatched")
            let condition = rule?["conditions"]?["all"]?[1]
            XCTAssertEqual(condition?["field"], "incident.service.name")
            XCTAssertEqual(condition?["operator"], "equals")
            XCTAssertEqual(condition?["left"], "Checkout")
            XCTAssertEqual(condition?["right"], "Search")
            XCTAssertEqual(condition?["result"], "false")
        }
        try await refuse(
            fixture, ["explain", "E1", "off"], "the rule Demo/off was switched off in version 1")
        try await refuse(
            fixture, ["explain", "E1", "absent"], "version 1 has no rule absent")
        try await refuse(fixture, ["explain", "E9"], "there is no event E9")
    }

    func testRulesThatDoNotApplyComeLast() async throws {
        let fixture = try await ConsoleFixture(for: self)
        let other: JSON = [
            "id": "other", "object": "Case", "direction": "recordChange",
            "when": ["always": true], "actions": [["type": "addNote", "text": "seen"]],
        ]
        try await fixture.apply([other, Sample.rule("a", when: ["always": true])])
        try await fixture.append([Sample.event("E1")])
        try await fixture.settle { _ in .applied }
        let run = await fixture.run("explain", "E1")
        XCTAssertEqual(run.output.count, 6)
        XCTAssertEqual(run.output[1...4], ["", "Demo/a: matched", "  always: true", ""])
        XCTAssertEqual(run.output[5].hasPrefix("Demo/other: not applicable: "), true)
    }

    /// The rules of that version are evaluated, and their changes since then are shown.
    func testChangesOfRulesSinceThenAreShown() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1")])
        try await fixture.settle { _ in .unmatched }
        let new = Sample.rule("new", when: ["always": true])
        let changed = Sample.rule("search", when: ["always": true])
        try await fixture.apply([changed, new])
        let run = await fixture.run("explain", "E1")
        XCTAssertEqual(
            run.output,
            [
                "rules of version 1, in force when the event was settled",
                "version 2 is in force now",
                "",
                "Demo/checkout: matched",
                "  all: true",
                #"    incident.service.name equals "Checkout": true (is "Checkout")"#,
                "  (the rule was removed since)",
                "",
                "Demo/search: not matched",
                "  all: false",
                #"    incident.urgency equals "high": true (is "high")"#,
                #"    incident.service.name equals "Search": false (is "Checkout")"#,
                "  (the rule has changed since)",
            ])
        let json = await fixture.run("explain", "E1", "--json")
        let rules = try JSON(parsing: try XCTUnwrap(json.output.first))["rules"]?.array ?? []
        XCTAssertEqual(rules.map { $0["since"] }, ["removed", "changed"])
        try await refuse(
            fixture, ["explain", "E1", "new"],
            "version 1 has no rule new; it came later, version 2 has it")
    }

    /// Evaluation reads the facts that the worker fetched then, not the present ones.
    func testTheStoredFactsAreUsed() async throws {
        let fixture = try await ConsoleFixture(for: self)
        let when = Sample.condition("record.Status", "equals", "New")
        try await fixture.apply([Sample.rule("new-case", when: when)])
        try await fixture.append([Sample.event("E1")])
        let record = "500QZ00000ABCDEAA4"
        try await fixture.settle(
            facts: [
                "links": [["incident": "Q1", "object": "Case", "record": .string(record)]],
                "records": .object(JSONObject([(record, ["Status": "Closed"] as JSON)])),
            ]
        ) { _ in .unmatched }
        let run = await fixture.run("explain", "E1")
        XCTAssertEqual(
            run.output.suffix(2),
            [
                "Demo/new-case for Case \(record): not matched",
                #"  record.Status equals "New": false (is "Closed")"#,
            ])
    }

    func testAWaitingEventIsExplainedByThePresentLinks() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1")])
        let run = await fixture.run("explain", "E1", "checkout")
        XCTAssertEqual(run.output.first?.hasPrefix("the event waits; rules of version 1 "), true)
        XCTAssert(run.output.contains("Demo/checkout: matched"))
    }

    func testAnUnreadableEventIsReported() async throws {
        let fixture = try await fixture()
        var event = Sample.event("E1")
        event.event.payload = Array("{}".utf8)
        try await fixture.append([event])
        try await fixture.settle { _ in .failed(.refused) }
        let run = await fixture.run("explain", "E1")
        XCTAssertEqual(
            run.output.last, "the event cannot be evaluated: the event names no incident")
    }

    func testAnIDOfTwoConnectionsNeedsTheConnection() async throws {
        let fixture = try await ConsoleFixture(for: self)
        _ = await fixture.run(
            "apply", try fixture.write([checkout], connections: ["acme", "blue"]))
        try await fixture.append([
            Sample.event("E1"), Sample.event("E1", connection: "blue"),
        ])
        try await refuse(
            fixture, ["explain", "E1"],
            "E1 is an event of acme, blue: say which with --connection")
        let run = await fixture.run("explain", "E1", "--connection", "blue", "--json")
        XCTAssertEqual(
            try JSON(parsing: try XCTUnwrap(run.output.first))["connection"], "blue")
    }

    func testEventPrintsPayloadFactsEffectsAndRules() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1", title: "a\u{1B}[2Jb")])
        try await addNote(as: EffectKey(event: "E1", rule: "Demo/checkout", ordinal: 0), fixture)
        let run = await fixture.run("event", "E1")
        for line in [
            "event       E1", "connection  acme", "kind        incident.triggered",
            "source      pagerDuty, as pagerDutyV3", "lane        incident:Q1, number 1",
            "outcome     applied", #"    "event_type": "incident.triggered","#,
            #"      "title": "a\u001b[2Jb","#,
            #"  E1|Demo/checkout|0: performed {"note":"PNOTE1"}"#,
            "  Demo/checkout: matched",
        ] {
            XCTAssert(run.output.contains(line), "\(line) not in \(run.output)")
        }
        let text = await fixture.run("event", "E1", "--json")
        let json = try JSON(parsing: try XCTUnwrap(text.output.first))
        XCTAssertEqual(json["payload"]?["data"]?["title"], "a\u{1B}[2Jb")
        XCTAssertEqual(
            json["effects"],
            [["key": "E1|Demo/checkout|0", "state": "performed", "result": ["note": "PNOTE1"]]])
        XCTAssertEqual(json["explanation"]?["rules"]?.array?.count, 2)
    }

    /// Performs the effect as a worker does, and settles its event as applied.
    private func addNote(as key: EffectKey, _ fixture: ConsoleFixture) async throws {
        let worker = try await fixture.store.register(name: "worker", ttl: .seconds(3600))
        let lease = try await fixture.store.lease(
            for: worker, limits: LeaseLimits(lanesMax: 1, jobsPerLaneMax: 1))
        let lane = try XCTUnwrap(lease.lanes.first)
        let job = try XCTUnwrap(lane.jobs.first)
        _ = try await fixture.store.begin([
            EffectStart(
                key, of: job, under: lane.fence, command: .addNote("Q1", text: "Note"))
        ])
        _ = try await fixture.store.finish([
            EffectEnd(key, of: job, under: lane.fence, as: .performed(["note": "PNOTE1"]))
        ])
        _ = try await fixture.store.settle([
            LaneSettlement(
                fence: lane.fence,
                settlements: [
                    Settlement(job: job, attempt: 1, outcome: .applied, configurationVersion: 1)
                ],
                next: .proceed)
        ])
    }

    private func refuse(
        _ fixture: ConsoleFixture, _ arguments: [String], _ message: String, line: UInt = #line
    ) async throws {
        let run = await ConsoleRun.of(arguments, environment: fixture.environment)
        XCTAssertEqual(run.status, 1, line: line)
        XCTAssertEqual(run.errors, [message], line: line)
    }
}
