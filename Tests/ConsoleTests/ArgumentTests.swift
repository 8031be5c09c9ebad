import Models
import Store
import XCTest

@testable import Console

final class ArgumentTests: XCTestCase {
    func testWordsBecomeInvocations() throws {
        try check("check a.json", .check(file: "a.json"))
        try check("apply -- --odd.json", .apply(file: "--odd.json"))
        try check("migrate", .migrate)
        try check("status", .status)
        try check("events", .events(.init(), asJSON: false))
        try check(
            "events --connection acme --outcome=failed --limit 5 --json",
            .events(
                .init(filter: EventFilter(.connection("acme"), status: .failed), limit: 5),
                asJSON: true))
        try check(
            "events --connection acme --lane incident:Q1 --kind incident.triggered --before 7.9.1",
            .events(
                .init(
                    filter: EventFilter(
                        .lane("incident:Q1", of: "acme"), kind: .incident(.triggered)),
                    before: EventCursor("7.9.1")),
                asJSON: false))
        try check("event E1", .event(.init(id: "E1"), asJSON: false))
        try check("explain E1 a/b", .explain(.init(id: "E1"), rule: "a/b", asJSON: false))
        try check(
            "replay E1 E2 --connection acme",
            .replay([
                .init(id: "E1", connection: "acme"), .init(id: "E2", connection: "acme"),
            ]))
        try check("replay E1 --all", .replay([Invocation.EventName(id: "E1")], .all))
        try check("replay --failed", .replayFailed(connection: nil, limit: 100))
        try check("links --incident Q1", .links(.incident("Q1"), connection: nil))
        for words in ["--help", "help", "-h", "events --help"] { try check(words, .help) }
    }

    func testInvalidCommandLinesAreRefused() {
        refuse("", "a command is needed")
        refuse("destroy", "\"destroy\" is no command")
        refuse("check", "give exactly one file")
        refuse("check a b", "give exactly one file")
        refuse("migrate now", "\"now\" is not expected here")
        refuse("events --color", "--color is not an option of this command")
        refuse("events --limit", "--limit needs a value")
        refuse("events --limit 0", "--limit must be a whole number from 1 to 1000")
        refuse("events --limit 5 --limit 6", "--limit is given twice")
        refuse("events --json=yes", "--json=yes is not an option of this command")
        refuse(
            "events --outcome lost",
            "--outcome must be one of waiting, applied, unmatched, ignored, failed")
        refuse(
            "events --lane incident:Q1",
            "--lane needs --connection: a lane belongs to one")
        refuse("events --before 7.9", "--before takes what the page before gave")
        refuse("events --connection A/B", "\"A/B\" cannot be a connection's id")
        refuse("explain", "an event id is needed, and a rule if only one is asked about")
        refuse("replay", "event ids or --failed are needed")
        refuse("replay --failed --all", "--all belongs to events that are named")
        refuse("replay E1 --limit 3", "--limit belongs to --failed")
        refuse("replay --failed E1", "\"E1\" is not expected here")
        refuse("links", "either --incident or --record is needed")
        refuse("links --incident Q1 --record 500", "either --incident or --record is needed")
        refuse("links --record 500", "--record must be 15 or 18 letters and digits")
    }

    func testUsageErrorsEndWithTwoAndHelpWithZero() async {
        let wrong = await ConsoleRun.of("destroy")
        XCTAssertEqual(wrong.status, 2)
        XCTAssertEqual(wrong.output, [])
        XCTAssertEqual(wrong.errors, ["\"destroy\" is no command", "Try: console --help"])
        let help = await ConsoleRun.of("--help")
        XCTAssertEqual(help.status, 0)
        XCTAssertEqual(help.errors, [])
        for command in [
            "check", "apply", "migrate", "events", "event", "explain", "links", "status", "replay",
        ] {
            XCTAssert(
                help.output.contains { $0.hasPrefix("  \(command) ") || $0 == command }, command)
        }
    }

    private func check(_ words: String, _ expected: Invocation, line: UInt = #line) throws {
        let invocation = try Invocation(words.split(separator: " ").map(String.init))
        XCTAssertEqual(invocation, expected, line: line)
    }

    private func refuse(_ words: String, _ message: String, line: UInt = #line) {
        XCTAssertThrowsError(
            try Invocation(words.split(separator: " ").map(String.init)), line: line
        ) { error in
            XCTAssertEqual(error as? CommandError, .usage(message), line: line)
        }
    }
}
