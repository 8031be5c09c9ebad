import XCTest

final class MoveCommandTests: XCTestCase {
    func testMovePrintsTheCopiedRows() async throws {
        var old = try await ConsoleFixture(for: self)
        let new = try await ConsoleFixture(for: self)
        try await old.apply([])
        try await new.apply([])
        try await old.append([Sample.event("e1")])
        old.environment["LIAISON_TARGET_DATABASE_URL"] = new.database.url

        let moved = await old.run("move", "acme")
        XCTAssertEqual(moved.status, 0, moved.everything)
        XCTAssertTrue(moved.output.contains("job: 1 row"), moved.everything)
        let events = await new.run("events", "--connection", "acme")
        XCTAssertTrue(events.everything.contains("e1"), events.everything)

        let again = await old.run("move", "acme")
        XCTAssertEqual(again.status, 1)
        XCTAssertEqual(
            again.errors, ["the target has events of acme already; nothing was changed"])
    }

    func testMoveNeedsTheTargetDatabase() async throws {
        let fixture = try await ConsoleFixture(for: self)
        let run = await fixture.run("move", "acme")
        XCTAssertEqual(run.status, 1)
        XCTAssertEqual(run.errors, ["LIAISON_TARGET_DATABASE_URL is missing"])
    }
}
