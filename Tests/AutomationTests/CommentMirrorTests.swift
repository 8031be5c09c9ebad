import Automation
import JSON
import Models
import XCTest

final class CommentMirrorTests: XCTestCase {
    private let both = [
        ObjectMapping(object: "Case", syncNotes: true, syncComments: true, commentsPublic: true)
    ]

    func testANoteBecomesACommentOnEachLinkedRecordOfAMappedObject() throws {
        let facts = Facts(
            event: try Sample.note("rebooting"),
            links: [Sample.link(), Sample.link(object: "Account"), Sample.link("Q9")])
        let effects = try rulebook(mappings: both).plan(facts).effects
        XCTAssertEqual(
            effects.map(\.command),
            [
                .addComment(
                    Sample.caseReference, text: "[PagerDuty note PNOTE01 by Ada]\nrebooting",
                    isPublic: true)
            ])
        XCTAssertEqual(effects.map(\.key), ["E1|@sync/notes|0|500QZ00000ABCDE"])
    }

    func testACommentBecomesANoteOnEachIncidentOfItsRecord() throws {
        let effects = try rulebook(mappings: both).plan(try comment("any news?")).effects
        XCTAssertEqual(
            effects.map(\.command),
            [
                .addNote(
                    Sample.incident, text: "[Salesforce comment 00aQZ00000ABCDEYA5]\nany news?")
            ])
    }

    func testACopyIsNotCopiedAndADisabledMappingCopiesNothing() throws {
        func check(
            _ facts: Facts, _ mappings: [ObjectMapping], line: UInt = #line
        ) throws {
            XCTAssertEqual(
                try rulebook(mappings: mappings).plan(facts).effects, [], line: line)
        }
        var note = Facts(event: try Sample.note("rebooting"), links: [Sample.link()])
        try check(note, [])
        try check(note, [ObjectMapping(object: "Case", syncComments: true)])
        note.echoes = [.mirrored]
        try check(note, both)
        try check(
            Facts(
                event: try Sample.note("[Salesforce comment 00a]\nany news?"),
                links: [Sample.link()]), both)
        try check(try comment("[PagerDuty note by Ada]\nrebooting"), both)
        try check(try comment(""), both)
        var own = try comment("any news?")
        own.echoes = [.created]
        try check(own, both)
        try check(try comment("any news?"), [ObjectMapping(object: "Case", syncNotes: true)])
    }

    func testALongTextIsCutInItsCopy() throws {
        var facts = Facts(
            event: try Sample.note("begi", trimmed: true), links: [Sample.link()],
            noteText: "beginning" + String(repeating: "é", count: 4000))
        let book = try rulebook(mappings: both)
        guard case .addComment(_, let text, _)? = book.plan(facts).effects.first?.command else {
            return XCTFail("no comment")
        }
        XCTAssertTrue(text.contains("\nbeginningé"))
        XCTAssertTrue(text.hasSuffix("…"))
        XCTAssertLessThanOrEqual(text.utf8.count, 4000)
        facts.noteText = nil
        XCTAssertEqual(book.plan(facts).effects.count, 1)
    }

    private func comment(_ body: JSON) throws -> Facts {
        Facts(
            event: try Sample.change(
                old: nil, new: ["ParentId": .string(Sample.caseID.key), "CommentBody": body],
                object: "CaseComment", id: Sample.commentID),
            links: [Sample.link(), Sample.link("Q9", Sample.secondCase)])
    }
}
