import Postgres
import TestSupport
import XCTest

final class MigrationTests: XCTestCase {
    private let first = Migration(
        number: 1, name: "first", script: "CREATE TABLE a (n int); CREATE TABLE b (n int);")
    private let second = Migration(
        number: 2, name: "second", script: "INSERT INTO a VALUES (1)")
    private let broken = Migration(
        number: 2, name: "broken", script: "INSERT INTO a VALUES (1); SELECT nonsense")

    private func session() async throws -> Session {
        let session = Session(to: try await TestDatabase.make(for: self).address)
        try await session.open()
        return session
    }

    func testAppliesWhatIsMissingOnce() async throws {
        let session = try await session()
        let steps = [[first], [first, second], [first, second]]
        for (steps, expected) in zip(steps, [[first], [second], []]) {
            let applied = try await session.migrate(steps)
            XCTAssertEqual(applied, expected)
        }
        let version = try await session.schemaVersion()
        XCTAssertEqual(version, 2)
    }

    func testAFailedStepLeavesNothing() async throws {
        let session = try await session()
        do {
            _ = try await session.migrate([first, broken])
            XCTFail("no error")
        } catch {
            guard case .failed(broken, .statement("42703", _)) = error else {
                return XCTFail("\(error)")
            }
        }
        let version = try await session.schemaVersion()
        XCTAssertEqual(version, 1)
        let rows = try await session.query("SELECT count(*) FROM a").decoded(Int.self)
        XCTAssertEqual(rows, [0])
    }

    func testRefusesANewerDatabase() async throws {
        let session = try await session()
        _ = try await session.migrate([first, second])
        do {
            _ = try await session.migrate([first])
            XCTFail("no error")
        } catch {
            XCTAssertEqual(error, .databaseIsNewer(version: 2, newestKnown: 1))
        }
    }

    func testSeveralProgramsApplyEachStepOnce() async throws {
        let address = try await TestDatabase.make(for: self).address
        let steps = [first, second]
        let applied = try await withThrowingTaskGroup(of: [Migration].self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let session = Session(to: address)
                    try await session.open()
                    return try await session.migrate(steps)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        XCTAssertEqual(applied.map(\.number).sorted(), [1, 2])
    }
}
