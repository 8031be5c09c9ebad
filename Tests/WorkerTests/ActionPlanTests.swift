import JSON
import Models
import XCTest

@testable import Automation
@testable import Worker

/// The order in which the effects of one job are tried, and what a failure leaves out.
final class ActionPlanTests: XCTestCase {
    private static let cause = Cause(.salesforce, code: "A", message: "first")
    private static let other = Cause(.salesforce, code: "B", message: "second")
    private static let create = Command.createRecord(
        NewRecord(object: "Case", fields: [:]), for: "Q1")

    func testEffectsAreTriedOnceInTheirOrder() {
        var actions = plan(note("a", 0), note("b", 0), note("a", 1))
        XCTAssertEqual(tried(&actions), ["a 0", "b 0", "a 1"])
        XCTAssertNil(actions.next())
        XCTAssertNil(actions.cause)
    }

    func testAFailedEffectKeepsNoOtherFromBeingTried() {
        var actions = plan(note("a", 0), note("a", 1), note("b", 0))
        let order = tried(&actions) { effect in
            effect.rule == "a" ? (effect.ordinal == 0 ? Self.cause : Self.other) : nil
        }
        XCTAssertEqual(order, ["a 0", "a 1", "b 0"])
        XCTAssertEqual(actions.cause, Self.cause, "the first one")
    }

    func testAFailedCreationLeavesOutTheRestOfItsRule() {
        var actions = plan(effect("a", 0, Self.create), note("a", 1), note("b", 0), note("a", 2))
        let order = tried(&actions) { $0.command == Self.create ? Self.cause : nil }
        XCTAssertEqual(order, ["a 0", "b 0"])
        XCTAssertEqual(actions.cause, Self.cause)
    }

    func testAProblemOfARuleComesBeforeARefusal() {
        var actions = plan(
            note("a", 0), problems: [Plan.Problem(rule: "b", cause: Self.other)])
        XCTAssertFalse(actions.isEmpty)
        _ = tried(&actions) { _ in Self.cause }
        XCTAssertEqual(actions.cause, Self.other)
    }

    func testAPlanWithoutEffectsMayStillHaveProblems() {
        XCTAssertTrue(plan().isEmpty)
        let actions = plan(problems: [Plan.Problem(rule: "b", cause: Self.other)])
        XCTAssertFalse(actions.isEmpty)
        XCTAssertEqual(actions.cause, Self.other)
    }

    private func plan(_ effects: Effect..., problems: [Plan.Problem] = []) -> ActionPlan {
        ActionPlan(
            LaneJobs.plan(effects, problems: problems), of: [],
            LaneJobs.facts(of: LaneJobs.job(1)))
    }

    private func effect(_ rule: RuleID, _ ordinal: Int, _ command: Command) -> Effect {
        LaneJobs.effect(1, ordinal, command, rule: rule)
    }

    private func note(_ rule: RuleID, _ ordinal: Int) -> Effect {
        effect(rule, ordinal, .addNote("Q1", text: "\(rule) \(ordinal)"))
    }

    private func tried(
        _ actions: inout ActionPlan, refusing cause: (Effect) -> Cause? = { _ in nil }
    ) -> [String] {
        var order: [String] = []
        while let effect = actions.next() {
            order.append("\(effect.rule) \(effect.ordinal)")
            if let cause = cause(effect) { actions.gaveUp(effect, cause) }
        }
        return order
    }
}
