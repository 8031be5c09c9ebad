import Automation
import JSON
import Models
import XCTest

@testable import Worker

final class FoldedEffectsTests: XCTestCase {
    private static let status = LaneJobs.writing(["Status": "New"])
    private static let priority = LaneJobs.writing(["Priority": "High"])
    private static let both = LaneJobs.writing(["Status": "New", "Priority": "High"])

    /// Each row: what the jobs of a lane write, then the jobs whose writes are left, each with the
    /// jobs whose writes it supersedes.
    func testSupersededWritesAreRecordedWithTheLastWriteOfTheirFields() {
        check([[Self.status], [Self.status]], [(2, [1])])
        check([[Self.status], [Self.status], [Self.status]], [(3, [1, 2])])
        check([[], [Self.status], [], [Self.status]], [(4, [2])])
        check([[Self.status, Self.priority], [Self.both]], [(2, [1, 1])])
        check([[Self.both], [Self.status], [Self.priority]], [(2, []), (3, [1])])
        check([[Self.both], [Self.status], [Self.status]], [(1, []), (3, [2])])
    }

    func testNothingIsFoldedUnlessALaterJobSupersedesAnEarlierOne() {
        check([], nil)
        check([[Self.status]], nil)
        check([[Self.status, Self.status], []], nil)
        check([[Self.status], [Self.priority]], nil)
        check([[], []], nil)
    }

    func testTheAttemptsOfTheFirstJobCount() {
        let folded = FoldedEffects([
            LaneJobs.decision(4), LaneJobs.decision(5, Self.status),
            LaneJobs.decision(6, Self.status),
        ])
        XCTAssertEqual(folded?.head.sequence, 4)
    }

    private func check(
        _ commands: [[Command]], _ expected: [(job: Int64, superseded: [Int64])]?,
        line: UInt = #line
    ) {
        let decisions = commands.enumerated().map { index, commands in
            LaneJobs.decision(Int64(index + 1), commands)
        }
        let folded = FoldedEffects(decisions)
        XCTAssertEqual(
            folded?.writes.map(\.decision.job.sequence), expected?.map(\.job), line: line)
        XCTAssertEqual(
            folded?.writes.map { $0.superseded.map(\.job.sequence).sorted() },
            expected?.map(\.superseded), line: line)
    }
}
