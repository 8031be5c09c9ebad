import JSON
import Models
import Store
import XCTest

final class EventsTests: XCTestCase {
    private static let evil = "\u{1B}[2J\u{202E}nwod si tuokcehC"

    private func fixture() async throws -> ConsoleFixture {
        let fixture = try await ConsoleFixture(for: self)
        try await fixture.apply([Sample.rule("a", when: ["always": true])])
        return fixture
    }

    func testEventsPrintsATable() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1", incident: "Q1")])
        try await fixture.append([Sample.event("E2", incident: "Q2", change: .resolved)])
        try await fixture.settle { $0.id == "E1" ? .failed(.refused) : .applied }
        try await fixture.append([Sample.event("E3", incident: Self.evil)])
        let run = await fixture.run("events")
        XCTAssertEqual(run.errors, [])
        // The first column is the database's clock.
        let rows = run.output.map {
            $0.drop { $0 != " " }.split(separator: " ").joined(separator: " ")
        }
        XCTAssertEqual(
            rows,
            [
                "CONNECTION KIND LANE EVENT OUTCOME ATTEMPTS CAUSE",
                "acme incident.triggered incident:\\u001b[2J\\u202enwod si tuokcehC E3 waiting - -",
                "acme incident.resolved incident:Q2 E2 applied 1 -",
                "acme incident.triggered incident:Q1 E1 failed 1 "
                    + "salesforce INVALID_FIELD (HTTP 400): No such column 'Colour__c'",
            ])
    }

    func testAPostponedEventShowsItsCause() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1", incident: "Q1")])
        try await fixture.postpone(afterSeconds: 60, because: .refused)
        let rows = await fixture.run("events").output
        let words = "salesforce INVALID_FIELD (HTTP 400): No such column 'Colour__c'"
        XCTAssert(rows.last?.hasSuffix("E1     waiting  1         \(words)") ?? false, "\(rows)")
        let event = await fixture.run("event", "E1").output
        XCTAssert(event.contains("outcome     waiting: \(words)"), "\(event)")
        XCTAssert(
            event.contains {
                $0.hasPrefix("postponed   ") && $0.contains(", attempts so far 1, due again ")
            }, "\(event)")
        let lines = await fixture.run("events", "--json").output
        let json = try JSON(parsing: XCTUnwrap(lines.first))
        XCTAssertEqual(json["outcome"], "waiting")
        XCTAssertEqual(json["cause"], .string(words))
        XCTAssertEqual(json["attempt"], 1)
        XCTAssertNotNil(json["dueAt"]?.string.flatMap { Timestamp($0) })
    }

    func testEventsPrintsALineOfJSONForEachEvent() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1"), Sample.event("E2", incident: Self.evil)])
        try await fixture.settle { _ in .ignored(reason: "the echo of our own write") }
        let run = await fixture.run("events", "--json")
        let lines = try run.output.map { try JSON(parsing: $0) }
        XCTAssertEqual(Set(lines.compactMap { $0["id"]?.string }), ["E1", "E2"])
        for line in lines {
            XCTAssertEqual(line["connection"], "acme")
            XCTAssertEqual(line["kind"], "incident.triggered")
            XCTAssertEqual(line["outcome"], "ignored")
            XCTAssertEqual(line["cause"], "the echo of our own write")
            XCTAssertEqual(line["attempt"], 1)
            XCTAssertEqual(line["configurationVersion"], 1)
        }
        XCTAssert(lines.contains { $0["lane"] == .string("incident:\(Self.evil)") })
        let printed = run.output.joined().unicodeScalars
        XCTAssertFalse(printed.contains { $0.value < 0x20 || $0 == "\u{202E}" })
    }

    func testFiltersAndPages() async throws {
        let fixture = try await fixture()
        for number in 1...5 {
            try await fixture.append([
                Sample.event(
                    "E\(number)", incident: number == 4 ? "Q4" : "Q1",
                    change: number == 5 ? .resolved : .triggered)
            ])
            if number == 3 { try await fixture.settle { $0.id == "E2" ? .unmatched : .applied } }
        }
        try await check(fixture, ["--outcome", "waiting"], ["E5", "E4"])
        try await check(fixture, ["--outcome", "unmatched"], ["E2"])
        try await check(fixture, ["--outcome", "failed"], [])
        try await check(fixture, ["--kind", "incident.resolved"], ["E5"])
        try await check(fixture, ["--connection", "acme", "--lane", "incident:Q4"], ["E4"])

        var seen: [[String]] = []
        var arguments = ["events", "--json", "--limit", "2"]
        while seen.count < 4 {
            let run = await ConsoleRun.of(arguments, environment: fixture.environment)
            let page = try run.output.map { try JSON(parsing: $0) }
            seen.append(page.compactMap { $0["id"]?.string })
            guard let cursor = page.last?["cursor"]?.string else { break }
            arguments = ["events", "--json", "--limit", "2", "--before", cursor]
        }
        XCTAssertEqual(seen, [["E5", "E4"], ["E3", "E2"], ["E1"], []])
        let table = await fixture.run("events", "--limit", "2")
        XCTAssertEqual(table.output.last?.hasPrefix("older ones: --before "), true)
        let wrong = await fixture.run("events", "--before", "yesterday")
        XCTAssertEqual(wrong.status, 2)
        let unknown = await fixture.run("events", "--connection", "blue")
        XCTAssertEqual(unknown.errors, ["there is no connection blue"])
        XCTAssertEqual(unknown.status, 1)
    }

    func testLinksAndStatus() async throws {
        let fixture = try await fixture()
        let record = try XCTUnwrap(RecordID("500QZ00000ABCDEAA4"))
        try await fixture.store.link(
            Link(incident: "Q1", object: "Case", record: record), in: "acme")
        for arguments in [["--incident", "Q1"], ["--record", "500QZ00000ABCDE"]] {
            let run = await ConsoleRun.of(["links"] + arguments, environment: fixture.environment)
            XCTAssertEqual(
                run.output,
                [
                    "CONNECTION  INCIDENT  OBJECT  RECORD",
                    "acme        Q1        Case    500QZ00000ABCDEAA4",
                ])
        }
        let idle = await fixture.run("status")
        XCTAssertEqual(
            idle.output,
            ["configuration  version 1", "failed events  0", "waiting        nothing"])
        try await fixture.append([Sample.event("E1"), Sample.event("E2", incident: "Q2")])
        try await fixture.settle { _ in .failed(.refused) }
        try await fixture.append([Sample.event("E3"), Sample.event("E4")])
        let busy = await fixture.run("status")
        XCTAssertEqual(
            busy.output.dropLast(2), ["configuration  version 1", "failed events  2", ""])
        XCTAssertEqual(busy.output.last?.hasPrefix("acme        2               1      "), true)
    }

    private func check(
        _ fixture: ConsoleFixture, _ filter: [String], _ expected: [String], line: UInt = #line
    ) async throws {
        let run = await ConsoleRun.of(
            ["events", "--json"] + filter, environment: fixture.environment)
        let ids = try run.output.map { try JSON(parsing: $0)["id"]?.string }
        XCTAssertEqual(ids, expected, line: line)
        XCTAssertEqual(run.errors, [], line: line)
    }
}
