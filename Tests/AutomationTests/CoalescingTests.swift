import Automation
import JSON
import Models
import XCTest

final class CoalescingTests: XCTestCase {
    func testAWriteWhoseFieldsAreSetAgainIsDropped() {
        let effects = [
            write("1", ["A": 1, "B": 1]), note("2"), write("3", ["a": 2]), write("4", ["B": 3]),
        ]
        let result = coalesce(effects)
        XCTAssertEqual(result.effects, [note("2"), write("3", ["a": 2]), write("4", ["B": 3])])
        XCTAssertEqual(result.superseded, ["1": "4"], "the last of the two that supersede it")
    }

    /// One that is refused for B must not set A: nor does it when it is written whole.
    func testAWriteWithAFieldOfItsOwnStaysWhole() {
        let effects = [write("1", ["A": 1, "B": 1]), write("2", ["A": 2])]
        let result = coalesce(effects)
        XCTAssertEqual(result.effects, effects)
        XCTAssertEqual(result.superseded, [:])
    }

    func testAWriteIsNotFoldedAcrossADeliveryOtherOptionsOrAnotherRecord() {
        let delivery = Effect(
            key: "d", rule: "r", ordinal: 0,
            command: .deliver(path: "/services/apexrest/x", body: nil))
        let other = RecordWriteOptions(runsAssignmentRules: true)
        func check(_ effects: [Effect], line: UInt = #line) {
            XCTAssertEqual(coalesce(effects).effects, effects, line: line)
        }
        check([write("1", ["A": 1]), delivery, write("2", ["A": 2])])
        check([write("1", ["A": 1], options: other), write("2", ["A": 2])])
        check([write("1", ["A": 1]), write("2", ["A": 2], to: Sample.secondCase)])
    }

    /// Whatever is in the list: the same records in the end, the other effects untouched, every
    /// dropped effect accounted for, and nothing left to drop.
    func testFoldedWritesLeaveTheSameState() {
        var dice = Dice(seed: 7)
        for _ in 0..<2000 {
            let effects = (0..<dice.roll(12)).map { number in randomEffect(number, &dice) }
            let result = coalesce(effects)
            XCTAssertEqual(state(after: effects), state(after: result.effects))
            XCTAssertEqual(effects.filter(isOther), result.effects.filter(isOther))
            let kept = Set(result.effects.map(\.key))
            XCTAssertEqual(
                Set(effects.map(\.key)), kept.union(result.superseded.keys))
            XCTAssertTrue(result.superseded.values.allSatisfy(kept.contains))
            XCTAssertEqual(coalesce(result.effects).effects, result.effects)
        }
    }

    private func randomEffect(_ number: Int, _ dice: inout Dice) -> Effect {
        let key = EffectKey("\(number)")
        switch dice.roll(6) {
        case 0: return note(key)
        case 1 where dice.roll(3) == 0:
            return Effect(
                key: key, rule: "r", ordinal: 0,
                command: .deliver(path: "/services/apexrest/x", body: nil))
        case _:
            var fields = JSONObject()
            for name in ["A", "B", "C"] where dice.roll(2) == 0 {
                fields[name] = .number(JSONNumber(dice.roll(9)))
            }
            if fields.isEmpty { fields["A"] = 0 }
            return write(
                key, fields, to: dice.roll(2) == 0 ? Sample.caseID : Sample.secondCase,
                options: RecordWriteOptions(allowsDuplicate: dice.roll(4) == 0))
        }
    }

    private func state(after effects: [Effect]) -> [RecordID: [String: JSON]] {
        var state: [RecordID: [String: JSON]] = [:]
        for effect in effects {
            guard case .updateRecord(let record, let fields, _) = effect.command else { continue }
            for member in fields.members {
                state[record.id, default: [:]][member.key] = member.value
            }
        }
        return state
    }

    private func isOther(_ effect: Effect) -> Bool {
        if case .updateRecord = effect.command { false } else { true }
    }

    private func write(
        _ key: EffectKey, _ fields: JSONObject, to record: RecordID = Sample.caseID,
        options: RecordWriteOptions = RecordWriteOptions()
    ) -> Effect {
        let reference = RecordReference(object: "Case", id: record)
        return Effect(
            key: key, rule: "r", ordinal: 0,
            command: .updateRecord(reference, fields: fields, options: options))
    }

    private func note(_ key: EffectKey) -> Effect {
        Effect(key: key, rule: "r", ordinal: 0, command: .addNote(Sample.incident, text: "n"))
    }
}

/// A seeded generator (splitmix64), so that a failure comes back.
struct Dice: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &self) }
}
