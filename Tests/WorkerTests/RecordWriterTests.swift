import Connectors
import JSON
import Models
import Runtime
import Synchronization
import XCTest

@testable import Worker

final class RecordWriterTests: XCTestCase {
    func testOneWriteGoesByItselfAndAtOnce() async throws {
        let org = FakeOrganization()
        try await org.write(1, "x")
        XCTAssertEqual(org.calls, [["1=x"]])
    }

    func testAnnouncedWritesShareACall() async throws {
        let org = FakeOrganization()
        let failures = await org.failures(of: 1...5)
        XCTAssertEqual(failures, [:])
        XCTAssertEqual(org.calls, [["1=x", "2=x", "3=x", "4=x", "5=x"]], "in the records' order")
    }

    func testAnAnnouncementEndsWithItsScope() async throws {
        let org = FakeOrganization()
        let refused = Failure.permanent(Cause(.liaison, code: "c", message: "m"))
        try await org.writer.announced(while: { true }) { write async throws(Failure) in
            try await org.writer.announced(while: { true }) { _ in }
            let failure = await failureOf {
                try await org.writer.announced(while: { true }) { _ throws(Failure) in
                    throw refused
                }
            }
            XCTAssertEqual(failure, refused)
            let began = ContinuousClock.now
            try await write(.to(1, "x"), .plain)
            XCTAssertLessThan(
                ContinuousClock.now - began, RecordWriter.gatherMax, "it waited for nothing")
        }
        XCTAssertEqual(org.calls, [["1=x"]])
    }

    func testAThousandWritesNeedFiveCalls() async throws {
        let org = FakeOrganization()
        let failures = await org.failures(of: 1...1000)
        XCTAssertEqual(failures, [:])
        XCTAssertEqual(org.calls.map(\.count), [200, 200, 200, 200, 200])
        XCTAssertEqual(Set(org.calls.joined()).count, 1000)
    }

    func testARecordIsWrittenOnceInACallAndInOrder() async throws {
        let org = FakeOrganization(holding: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await org.write(9, "first") }
            await org.held()
            for (number, value) in [(1, "a"), (1, "b"), (1, "c"), (2, "z")] {
                // The write waits for its call when this returns.
                group.addImmediateTask { try await org.write(number, value) }
            }
            org.letGo()
            try await group.waitForAll()
        }
        XCTAssertEqual(org.calls, [["9=first"], ["1=a", "2=z"], ["1=b"], ["1=c"]])
    }

    func testOnlyTheSameOptionsShareACall() async throws {
        let org = FakeOrganization(holding: 1)
        let other = RecordWriteOptions(runsAssignmentRules: true)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await org.write(9, "first") }
            await org.held()
            let writes: [(Int, RecordWriteOptions)] = [
                (1, .plain), (2, other), (3, .plain), (2, .plain),
            ]
            for (number, options) in writes {
                // The write waits for its call when this returns.
                group.addImmediateTask { try await org.write(number, "x", options) }
            }
            org.letGo()
            try await group.waitForAll()
        }
        XCTAssertEqual(
            org.calls, [["9=first"], ["1=x", "3=x"], ["2=x"], ["2=x"]],
            "the later write of 2 must not overtake the one with other options")
    }

    func testEachWriteGetsTheResultOfItsRecord() async {
        let refused = Failure.permanent(Cause(.salesforce, code: "STRING_TOO_LONG", message: "!"))
        let locked = Failure.retryable(Cause(.salesforce, code: "UNABLE_TO_LOCK_ROW", message: "!"))
        let org = FakeOrganization { updates in
            updates.map { [3: .failure(refused), 5: .failure(locked)][$0.number] ?? .success }
        }
        let failures = await org.failures(of: 1...6)
        XCTAssertEqual(failures, [3: refused, 5: locked])
        XCTAssertEqual(org.calls.count, 1)
    }

    func testAFailureOfTheWholeCallIsTheFailureOfEachWrite() async {
        let busy = Failure.throttled(
            Cause(.salesforce, code: "REQUEST_LIMIT_EXCEEDED", message: "!"),
            retryAfter: .seconds(900))
        let org = FakeOrganization { _ throws(Failure) in throw busy }
        let failures = await org.failures(of: 1...3)
        XCTAssertEqual(failures, [1: busy, 2: busy, 3: busy])
        XCTAssertEqual(org.calls.count, 1)
    }

    func testTheRecordThatMakesSalesforceRefuseAWholeCallIsFound() async {
        let refused = Failure.permanent(Cause(.salesforce, code: "JSON_PARSER_ERROR", message: "!"))
        let org = FakeOrganization { updates throws(Failure) in
            if updates.contains(where: { $0.number == 77 }) { throw refused }
            return updates.map { _ in .success }
        }
        let failures = await org.failures(of: 1...128)
        XCTAssertEqual(failures, [77: refused])
        XCTAssertEqual(org.calls.count, 15, "halved seven times, both halves each time")
    }

    func testACallIsNotHalvedForALaneThatIsLost() async {
        let refused = Failure.permanent(Cause(.salesforce, code: "JSON_PARSER_ERROR", message: "!"))
        let org = FakeOrganization { _ throws(Failure) in throw refused }
        let failures = await org.failures(of: 1...2, while: { org.calls.isEmpty })
        XCTAssertEqual(failures, [1: .interrupted, 2: .interrupted])
        XCTAssertEqual(org.calls, [["1=x", "2=x"]])
    }

    func testAWriteOfALostLaneIsNotMade() async throws {
        let org = FakeOrganization()
        let failures = await org.failures(of: [1: { true }, 2: { false }])
        XCTAssertEqual(failures, [2: .interrupted])
        XCTAssertEqual(org.calls, [["1=x"]])
    }
}

/// Remembers the calls; may hold the first of them until it is let go.
private final class FakeOrganization: Sendable {
    typealias Answer =
        @Sendable ([Salesforce.RecordUpdate]) throws(Failure) -> [Result<RecordID, Failure>]

    let writer: RecordWriter
    private let record: Record

    private final class Record: Sendable {
        let calls = Mutex<[[String]]>([])
        let isHeld: Bool
        let arrived = Latch()
        let released = Latch()

        init(isHeld: Bool) { self.isHeld = isHeld }
    }

    init(
        holding count: Int = 0,
        answer: @escaping Answer = { updates throws(Failure) in updates.map { _ in .success } }
    ) {
        let record = Record(isHeld: count > 0)
        self.record = record
        writer = RecordWriter { (updates, _, mayContinue) async throws(Failure) in
            guard mayContinue() else { throw .interrupted }
            record.calls.withLock { $0.append(updates.map(\.text)) }
            if record.isHeld && !record.arrived.isOpen {
                record.arrived.open()
                await record.released.wait()
            }
            return try answer(updates)
        }
    }

    var calls: [[String]] { record.calls.withLock { $0 } }

    func held() async { await record.arrived.wait() }
    func letGo() { record.released.open() }

    func write(
        _ number: Int, _ value: String, _ options: RecordWriteOptions = .plain
    ) async throws(Failure) {
        try await writer.announced(while: { true }) { write throws(Failure) in
            try await write(.to(number, value), options)
        }
    }

    func failures(
        of numbers: ClosedRange<Int>, while mayContinue: @escaping @Sendable () -> Bool = { true }
    ) async -> [Int: Failure] {
        await failures(of: Dictionary(uniqueKeysWithValues: numbers.map { ($0, mayContinue) }))
    }

    /// The failures of writes that are all announced before the first of them is made.
    ///
    /// - Parameter writes: whether each may continue, by its number.
    func failures(of writes: [Int: @Sendable () -> Bool]) async -> [Int: Failure] {
        let announced = Countdown(from: writes.count)
        return await withTaskGroup(of: (Int, Failure?).self) { group in
            for (number, mayContinue) in writes {
                group.addTask {
                    let failure = await failureOf {
                        try await self.writer.announced(while: mayContinue) {
                            write throws(Failure) in
                            await announced.arrive()
                            try await write(.to(number, "x"), .plain)
                        }
                    }
                    return (number, failure)
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }
}

/// Lets its tasks go on once all of them have arrived.
private final class Countdown: Sendable {
    private let left: Mutex<Int>
    private let isOver = Latch()

    init(from count: Int) { left = Mutex(count) }

    func arrive() async {
        let isLast = left.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { isOver.open() }
        await isOver.wait()
    }
}

private func recordID(_ text: String) -> RecordID {
    guard let id = RecordID(text) else { preconditionFailure("\(text) is no id") }
    return id
}

private func failureOf(_ body: () async throws -> Void) async -> Failure? {
    do {
        try await body()
        return nil
    } catch {
        return error as? Failure
    }
}

extension Result where Success == RecordID, Failure == Models.Failure {
    fileprivate static var success: Self {
        RecordID("500000000000000AAA").map(Result.success) ?? .failure(.interrupted)
    }
}

extension RecordWriteOptions {
    fileprivate static let plain = RecordWriteOptions()
}

extension Salesforce.RecordUpdate {
    fileprivate static func to(_ number: Int, _ value: String) -> Self {
        let digits = String(number)
        let id = "500" + String(repeating: "0", count: 12 - digits.count) + digits
        return Salesforce.RecordUpdate(
            record: RecordReference(
                object: "Case", id: recordID(id)),
            fields: ["Subject": .string(value)])
    }

    fileprivate var number: Int { Int(record.id.key.dropFirst(3)) ?? 0 }
    fileprivate var text: String { "\(number)=\(fields["Subject"]?.string ?? "")" }
}
