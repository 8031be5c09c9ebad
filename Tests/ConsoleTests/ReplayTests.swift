import Models
import Store
import XCTest

final class ReplayTests: XCTestCase {
    private func fixture() async throws -> ConsoleFixture {
        let fixture = try await ConsoleFixture(for: self)
        try await fixture.apply([Sample.rule("a", when: ["always": true])])
        return fixture
    }

    /// The waiting events, oldest first.
    private func waiting(_ fixture: ConsoleFixture) async throws -> [Event] {
        try await fixture.store.events(EventFilter(status: .waiting)).reversed().map(\.job.event)
    }

    func testAReplayIsANewEvent() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1"), Sample.event("E2", incident: "Q2")])
        try await fixture.settle { _ in .failed(.refused) }
        let run = await fixture.run("replay", "E2", "E1")
        XCTAssertEqual(run.errors, [])
        let events = try await waiting(fixture)
        XCTAssertEqual(
            run.output,
            [
                "E2 -> \(events[0].id)", "E1 -> \(events[1].id)",
            ])
        XCTAssertEqual(events.map(\.source), [.operator, .operator])
        XCTAssertEqual(
            events.map(\.payload),
            [
                Sample.event("E2", incident: "Q2").event.payload, Sample.event("E1").event.payload,
            ])
        XCTAssertEqual(events.map(\.lane), ["incident:Q2", "incident:Q1"])
    }

    func testNoEventIsReplayedIfOneIsUnknown() async throws {
        let fixture = try await fixture()
        try await fixture.append([Sample.event("E1")])
        try await fixture.settle { _ in .failed(.refused) }
        let run = await fixture.run("replay", "E1", "E8", "E9")
        XCTAssertEqual(run.status, 1)
        XCTAssertEqual(run.errors, ["there is no event E8", "there is no event E9"])
        XCTAssertEqual(run.output, [])
        let events = try await waiting(fixture)
        XCTAssertEqual(events, [])
    }

    func testEachFailedEventIsReplayedOnceAndInOrder() async throws {
        let fixture = try await fixture()
        for number in 1...4 { try await fixture.append([Sample.event("E\(number)")]) }
        try await fixture.settle { $0.id == "E2" ? .applied : .failed(.refused) }
        let first = await fixture.run("replay", "--failed", "--connection", "acme")
        XCTAssertEqual(first.errors, [])
        XCTAssertEqual(first.output.map { $0.prefix(6) }, ["E1 -> ", "E3 -> ", "E4 -> "])
        let events = try await waiting(fixture)
        XCTAssertEqual(
            events.map { String($0.id.rawValue.split(separator: ":").last ?? "") },
            ["E1", "E3", "E4"])

        let second = await fixture.run("replay", "--failed")
        XCTAssertEqual(
            second.output,
            [
                "E1 was replayed before", "E3 was replayed before", "E4 was replayed before",
                "nothing to replay",
            ])
        // A replay that fails is a failed event of its own.
        try await fixture.settle { $0.id == events[1].id ? .failed(.refused) : .applied }
        let third = await fixture.run("replay", "--failed")
        XCTAssertEqual(third.output.last?.hasPrefix("\(events[1].id) -> replay:"), true)
        let again = try await waiting(fixture)
        XCTAssertEqual(again.count, 1)
    }

    func testTheLimitTakesTheNewest() async throws {
        let fixture = try await fixture()
        for number in 1...3 { try await fixture.append([Sample.event("E\(number)")]) }
        try await fixture.settle { _ in .failed(.refused) }
        let run = await fixture.run("replay", "--failed", "--limit", "2")
        XCTAssertEqual(run.output.map { $0.prefix(6) }, ["E2 -> ", "E3 -> "])
    }
}
