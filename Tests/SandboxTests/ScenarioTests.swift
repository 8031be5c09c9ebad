import Foundation
import JSON
import XCTest

@testable import Sandbox

/// The reading of a script, and how what happened is compared with it.
final class PlayTests: XCTestCase {
    func testTheDayOfTheDemoReads() throws {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let day = try Scenario(file: root.appendingPathComponent("deploy/demo/day.json").path)
        XCTAssertGreaterThanOrEqual(day.steps.count, 14)
        XCTAssertEqual(Set(day.steps.map(\.title)).count, day.steps.count)
    }

    func testEveryProblemOfAScriptIsToldAtOnce() throws {
        let script: JSON = [
            "title": "t",
            "steps": [
                ["title": "s", "do": [["control": "POST"], ["dance": true]], "expect": [:]],
                ["title": "s", "capture": ["x": "no pointer"], "expect": ["evnets": []]],
            ],
        ]
        XCTAssertThrowsError(try Scenario(script)) { error in
            guard case .scenario(let problems)? = error as? ScenarioError else {
                return XCTFail("\(error)")
            }
            let pointers = problems.map { String($0.prefix { $0 != ":" }) }
            XCTAssertEqual(
                Set(pointers),
                [
                    "/steps/0/do/0/control", "/steps/0/do/1", "/steps/0/do/1/dance",
                    "/steps/1/capture/x", "/steps/1/expect/evnets",
                ])
        }
    }

    func testNamesAreFilledIn() throws {
        var names = Variables(["who": "Ada"])
        names.set("number", 7)
        XCTAssertEqual(try names.filled("{{who}} has {{number}}"), "Ada has 7")
        XCTAssertEqual(try names.filled("}} and {{ stay"), "}} and {{ stay")
        let json: JSON = ["{{who}}": ["{{number}}", "#{{number}}"]]
        XCTAssertEqual(try names.filled(json), ["Ada": [7, "#7"]])
        XCTAssertThrowsError(try names.filled("{{unknown}}")) { error in
            XCTAssertEqual(error as? ScenarioError, .unknownName("unknown"))
        }
    }

    func testPointers() {
        let json: JSON = ["a": [1, 2, ["b/c": true, "~": false]], "": "empty"]
        func check(_ pointer: String, _ expected: JSON, line: UInt = #line) {
            XCTAssertEqual(json.value(at: pointer), expected, line: line)
        }
        check("", json)
        check("/", "empty")
        check("/a/0", 1)
        check("/a/-1/b~1c", true)
        check("/a/2/~0", false)
        check("/a/9", nil)
        check("/a/-9", nil)
        check("/a/0/x", nil)
    }

    func testExpectedValues() {
        func check(_ found: JSON, _ expected: JSON, _ fits: Bool, line: UInt = #line) {
            XCTAssertEqual(found.fits(expected), fits, line: line)
        }
        check("abc", "abc", true)
        check("abc", ["contains": "b"], true)
        check("abc", ["contains": "d"], false)
        check(nil, ["contains": "d"], false)
        check([1, 2], ["count": 2], true)
        check([], ["count": 2], false)
        check(nil, ["count": 0], false)
        check(nil, nil, true)
    }

    func testCallsAreComparedInOrderForEachVendor() {
        func check(
            _ made: [(String, Int)], _ expected: [String], _ fits: Bool, line: UInt = #line
        ) {
            var observed = Observation()
            observed.calls = made.compactMap { call, status in
                let words = call.split(separator: " ").map { JSON.string(String($0)) }
                return Observation.ObservedCall([
                    "vendor": words[0], "method": words[1], "path": words[2],
                    "status": JSON(status),
                ])
            }
            let wanted = Scenario.Expectation(events: [], calls: expected, holdings: [])
            XCTAssertEqual(observed.differences(from: wanted).isEmpty, fits, line: line)
        }
        let (post, patch) = ("pagerduty POST /incidents", "salesforce PATCH /x/1")
        check([], [], true)
        check([(post, 201)], [], false)
        check([], [post], false)
        check([(post, 201), (patch, 204)], [patch, post], true)
        check([(patch, 503), (patch, 204)], ["\(patch) 503", "salesforce PATCH /x/*"], true)
        check([(patch, 503), (patch, 204)], [patch, patch], false)
        check([(patch, 204), (patch, 503)], ["\(patch) 503", patch], false)
        check([(patch, 204), (patch, 204)], ["\(patch), once or more"], true)
        check([(patch, 204), (patch, 204), (patch, 500)], ["\(patch), once or more"], false)
        check([], ["\(patch), once or more"], false)
        check([("salesforce GET /x/1", 200)], [], true)
    }

    func testEventsAreComparedWithoutTheirOrderAndEchoesMayBeLeftOut() {
        func event(_ kind: String, _ outcome: String, cause: String = "") -> JSON {
            ["kind": .string(kind), "outcome": .string(outcome), "cause": .string(cause)]
        }
        func check(_ seen: [JSON], _ kinds: [String], _ count: Int, line: UInt = #line) {
            var observed = Observation()
            observed.events = seen.map(Observation.ObservedEvent.init)
            let events = kinds.map {
                Scenario.ExpectedEvent(
                    kind: $0, outcome: "applied", rules: [], cause: nil, attempts: nil)
            }
            let wanted = Scenario.Expectation(events: events, calls: [], holdings: [])
            XCTAssertEqual(observed.differences(from: wanted).count, count, line: line)
        }
        let echo = event("b", "ignored", cause: "it repeats what Liaison wrote")
        check([event("a", "applied"), event("b", "applied")], ["b", "a"], 0)
        check([event("a", "applied"), echo], ["a"], 0)
        check([event("a", "failed")], ["a"], 2)
        check([event("a", "applied")], ["a", "a"], 1)
        check([event("b", "ignored", cause: "a ping")], [], 1)
    }
}
