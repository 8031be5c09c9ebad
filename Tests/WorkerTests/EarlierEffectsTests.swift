import JSON
import Models
import Store
import XCTest

@testable import Worker

final class EarlierEffectsTests: XCTestCase {
    private static let performed = EffectProgress.ended(.performed([:]))
    private static let note = Command.addNote("Q1", text: "a")
    private static let otherNote = Command.addNote("Q1", text: "b")
    private static let delivery = Command.deliver(path: "/p", body: 1)
    private static let otherDelivery = Command.deliver(path: "/p", body: 2)

    private func check(
        _ command: Command, key: EffectKey = "k", after records: [RecordedEffect],
        is expected: EffectProgress?, line: UInt = #line
    ) {
        var earlier = EarlierEffects()
        earlier.records = records
        let effect = Effect(key: key, rule: "rules/rule", ordinal: 0, command: command)
        XCTAssertEqual(earlier.progress(of: effect), expected, line: line)
    }

    private func record(
        _ command: RecordedCommand?, key: EffectKey = "k",
        _ progress: EffectProgress = EarlierEffectsTests.performed
    ) -> RecordedEffect {
        RecordedEffect(key: key, progress: progress, command: command)
    }

    /// Recorded by this program, and by one that knew no fingerprints yet.
    func testAnEffectIsKnownByItsCommand() {
        let forms: [(Command) -> RecordedCommand] = [
            { .fingerprint(CommandFingerprint($0)) }, { .json($0.json) },
        ]
        for recorded in forms {
            let note = recorded(Self.note)
            check(Self.note, after: [record(note)], is: Self.performed)
            check(Self.note, after: [record(note, key: "other")], is: Self.performed)
            check(Self.note, after: [record(note, .started)], is: .started)
            check(
                Self.note, after: [record(note, .started), record(note, key: "other")],
                is: Self.performed)
            let failed = EffectProgress.ended(.failed(Cause(.pagerDuty, code: "1", message: "no")))
            check(Self.note, after: [record(note, failed)], is: nil)
            check(Self.otherNote, after: [record(note)], is: nil)
            let delivery = recorded(Self.delivery)
            check(Self.otherDelivery, after: [record(delivery)], is: Self.performed)
            check(Self.otherDelivery, after: [record(delivery, key: "other")], is: nil)
            check(Self.note, after: [record(delivery)], is: nil)
        }
    }

    func testASupersededEffectIsKnownByItsKey() {
        check(Self.note, after: [record(nil)], is: Self.performed)
        check(Self.note, after: [record(nil, key: "other")], is: nil)
    }

    /// An older program must neither leave out nor blindly repeat what a newer one recorded.
    func testAFingerprintOfANewerVersionIsLookedAtFirst() {
        func newer(_ kind: CommandKind?) -> RecordedCommand {
            .fingerprint(CommandFingerprint(version: 2, kind: kind, digest: [1]))
        }
        check(Self.note, after: [record(newer(.addNote))], is: .started)
        check(Self.note, after: [record(newer(.addNote), key: "other")], is: .started)
        check(Self.note, after: [record(newer(nil))], is: .started)
        check(Self.note, after: [record(newer(nil), key: "other")], is: nil)
        check(Self.note, after: [record(newer(.deliver), key: "other")], is: nil)
        check(Self.delivery, after: [record(newer(.deliver))], is: Self.performed)
    }

    /// The JSON of version 0 leaves out the body and the options: that is why it was replaced.
    func testWhatTheJSONLeftOutIsCompared() {
        let record = RecordReference(object: "Case", id: RecordID("5003000000D8cuI")!)
        func update(_ options: RecordWriteOptions) -> Command {
            .updateRecord(record, fields: ["a": 1], options: options)
        }
        let (plain, assigning) = (
            update(RecordWriteOptions()), update(RecordWriteOptions(runsAssignmentRules: true))
        )
        XCTAssertEqual(plain.json, assigning.json)
        check(
            assigning, after: [self.record(.fingerprint(CommandFingerprint(plain)))], is: nil)
        check(assigning, after: [self.record(.json(plain.json))], is: Self.performed)
    }

    func testWhatAnEffectCreatedIsKnownByItsKind() {
        let link = Link(
            incident: "Q1", object: "Case", record: RecordID("5003000000D8cuIAAR")!)
        let rows: [(CommandKind, JSON, Bool)] = [
            (.createIncident, ["incident": "Q1"], true),
            (.createIncident, ["incident": "Q2"], false),
            (.createRecord, ["record": "5003000000D8cuIAAR"], true),
            (.acknowledge, ["incident": "Q1"], false),
        ]
        for (kind, result, isMade) in rows {
            let commands: [RecordedCommand] = [
                .fingerprint(CommandFingerprint(version: 1, kind: kind, digest: [])),
                .json(["command": .string(kind.rawValue)]),
            ]
            for command in commands {
                var earlier = EarlierEffects()
                earlier.records = [record(command, .ended(.performed(result)))]
                XCTAssertEqual(earlier.made(link), isMade, "\(kind) \(result)")
            }
        }
    }
}
