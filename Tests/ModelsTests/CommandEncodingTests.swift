import JSON
import Models
import XCTest

final class CommandEncodingTests: XCTestCase {
    private static let short = RecordID("5003000000D8cuI")!
    private static let long = RecordID("5003000000D8cuIAAR")!
    private static let record = RecordReference(object: "Case", id: short)

    /// The bytes of version 1, which stand in databases: a failure here asks for a version 2.
    func testVersion1IsFixed() {
        let title = NewIncident(title: "Jürgen's 日", service: "S1", incidentKey: "k")
        var whole = title
        whole.body = "b"
        whole.urgency = .high
        whole.priority = "P1"
        whole.assignment = .users(["U1", "U2"])
        let fields: JSONObject = [
            "b": 1.50, "a": [nil, true, false, "x"], "c": ["n": -2, "e": [:]], "z": "",
        ]
        let task = NewRecord(
            object: "Task", fields: ["Subject": "s"],
            externalID: ExternalID(field: "Key__c", value: "v"),
            options: RecordWriteOptions(runsAssignmentRules: true))
        let rows: [(Command, String)] = [
            (
                .createIncident(title, for: Self.record),
                "s14:createIncidents13:Jürgen's 日s2:S1s1:knnnns4:cases15:5003000000D8cuI"
            ),
            (
                .createIncident(whole, for: Self.record),
                "s14:createIncidents13:Jürgen's 日s2:S1s1:ks1:bs4:highs2:P1s5:usersl2:s2:U1s2:U2"
                    + "s4:cases15:5003000000D8cuI"
            ),
            (.updateIncident("Q1", .acknowledge), "s11:acknowledges2:Q1"),
            (.updateIncident("Q1", .resolve(resolution: nil)), "s7:resolves2:Q1n"),
            (.updateIncident("Q1", .resolve(resolution: "done")), "s7:resolves2:Q1s4:done"),
            (.updateIncident("Q1", .setPriority("P1")), "s11:setPrioritys2:Q1s2:P1"),
            (
                .updateIncident("Q1", .reassign(.escalationPolicy("E1"))),
                "s8:reassigns2:Q1s16:escalationPolicys2:E1"
            ),
            (.startWorkflow("Q1", workflow: "W1"), "s13:startWorkflows2:Q1s2:W1"),
            (.runResponsePlay("Q1", play: "R1"), "s15:runResponsePlays2:Q1s2:R1"),
            (.addNote("Q1", text: "s1:x"), "s7:addNotes2:Q1s4:s1:x"),
            (
                .updateRecord(Self.record, fields: fields, options: RecordWriteOptions()),
                "s12:updateRecords4:cases15:5003000000D8cuIo4:s1:al4:ntfs1:xs1:bd5:15e-1"
                    + "s1:co2:s1:eo0:s1:nd4:-2e0s1:zs0:ff"
            ),
            (
                .createRecord(task, for: nil),
                "s12:createRecords4:tasko1:s7:Subjects1:ss6:Key__cs1:vtfn"
            ),
            (
                .createRecord(NewRecord(object: "Task", fields: [:]), for: "Q1"),
                "s12:createRecords4:tasko0:nnffs2:Q1"
            ),
            (
                .addComment(Self.record, text: "c", isPublic: true),
                "s10:addComments4:cases15:5003000000D8cuIs1:ct"
            ),
            (.deliver(path: "/p", body: [0, nil]), "s7:delivers2:/pl2:d3:0e0n"),
        ]
        XCTAssertEqual(Command.encodingVersion, 1)
        for (command, expected) in rows {
            XCTAssertEqual(String(decoding: command.canonicalBytes, as: UTF8.self), expected)
        }
        XCTAssertEqual(Set(rows.map(\.0.kind)), Set(CommandKind.allCases))
    }

    func testWhatDistinguishesCommands() throws {
        let incident = NewIncident(title: "t", service: "S1", incidentKey: "k")
        func create(_ change: (inout NewIncident) -> Void) -> Command {
            var changed = incident
            change(&changed)
            return .createIncident(changed, for: Self.record)
        }
        func update(
            _ fields: JSONObject = ["a": 1], id: RecordID = Self.short, object: String = "Case",
            options: RecordWriteOptions = RecordWriteOptions()
        ) -> Command {
            .updateRecord(RecordReference(object: object, id: id), fields: fields, options: options)
        }
        func task(_ object: String, _ options: RecordWriteOptions = .init()) -> Command {
            .createRecord(NewRecord(object: object, fields: [:], options: options), for: nil)
        }
        let number = try JSON(parsing: "10e-1")
        let different: [(String, Command, Command)] = [
            ("body", create { $0.body = "a" }, create { $0.body = "b" }),
            ("no body and an empty one", create { _ in }, create { $0.body = "" }),
            ("urgency", create { $0.urgency = .high }, create { $0.urgency = .low }),
            ("body and priority", create { $0.body = "a" }, create { $0.priority = "a" }),
            (
                "assignment", create { $0.assignment = .users(["A", "B"]) },
                create { $0.assignment = .users(["AB"]) }
            ),
            ("option", update(), update(options: RecordWriteOptions(runsAssignmentRules: true))),
            (
                "which option", update(options: RecordWriteOptions(runsAssignmentRules: true)),
                update(options: RecordWriteOptions(allowsDuplicate: true))
            ),
            ("option of a creation", task("Task"), task("Task", .init(allowsDuplicate: true))),
            ("value", update(["a": 1]), update(["a": "1"])),
            ("null and nothing", update(["a": nil]), update([:])),
            ("nesting", update(["a": ["b": 1]]), update(["a": [["b"], 1]])),
            ("order of elements", update(["a": [1, 2]]), update(["a": [2, 1]])),
            (
                "case of a record's id", update(),
                update(id: try XCTUnwrap(RecordID("5003000000D8CUI")))
            ),
            ("visibility", comment("c", isPublic: true), comment("c", isPublic: false)),
            (
                "text that looks like a border", .startWorkflow("Q1", workflow: "s1:x"),
                .startWorkflow("Q1s4:s1:x", workflow: "")
            ),
            (
                "kind", .updateIncident("Q1", .resolve(resolution: "n")),
                .updateIncident("Q1", .setPriority("n"))
            ),
        ]
        for (what, one, other) in different {
            XCTAssertNotEqual(one.canonicalBytes, other.canonicalBytes, what)
        }
        let same: [(String, Command, Command)] = [
            ("order of members", update(["a": 1, "b": 2]), update(["b": 2, "a": 1])),
            ("spelling of a number", update(["a": 1]), update(["a": number])),
            ("length of a record's id", update(id: Self.short), update(id: Self.long)),
            ("case of an object", update(object: "case"), update(object: "CASE")),
            ("case of a new record's object", task("task"), task("TASK")),
        ]
        for (what, one, other) in same {
            XCTAssertEqual(one.canonicalBytes, other.canonicalBytes, what)
        }
    }

    private func comment(_ text: String, isPublic: Bool) -> Command {
        .addComment(Self.record, text: text, isPublic: isPublic)
    }
}
