import JSON
import Models
import Postgres
import Runtime
import Sandbox
import XCTest

/// Waits that end as soon as what they wait for is there.
extension Rig {
    /// Returns when no webhook is under way and no event waits, and neither has led to the other
    /// meanwhile.
    func untilQuiet(line: UInt = #line) async throws {
        while true {
            let isSettled = await sandbox.settled(within: .seconds(Self.waitSecondsMax))
            XCTAssertTrue(isSettled, "the stand-ins' webhooks do not arrive", line: line)
            let before = await deliveries()
            try await untilIdle(line: line)
            let now = await deliveries()
            if now.count > before.count, isSettled { continue }
            for delivery in now {
                XCTAssertEqual(delivery["state"], "delivered", delivery.text, line: line)
            }
            return
        }
    }

    /// Returns when no event waits and none is being worked on.
    func untilIdle(line: UInt = #line) async throws {
        try await until("no lane has an open event", line: line) {
            try await number("SELECT count(*) FROM lane WHERE state <> 0") == 0
        }
    }

    func untilSettled(_ count: Int, line: UInt = #line) async throws {
        try await untilCount("SELECT count(*) FROM settlement", atLeast: count, line: line)
    }

    /// Returns when the statement's number is at least `expected`.
    func untilCount(_ statement: SQL, atLeast expected: Int, line: UInt = #line) async throws {
        try await until("\(statement.text) >= \(expected)", line: line) {
            try await number(statement) >= expected
        }
    }

    /// Returns when the condition is true. Looks now and whenever a lane, a settlement, a budget or
    /// a connection changed.
    ///
    /// - Parameter condition: in words, for the failure.
    func until(
        _ condition: String, line: UInt = #line,
        _ isTrue: @escaping @Sendable () async throws -> Bool
    ) async throws {
        if try await isTrue() { return }
        let signals = NotificationListener(to: database.address, channels: ["changes"])
        let came = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in signals where try await isTrue() { return true }
                return false
            }
            group.addTask {
                await Latch().wait(atMost: .seconds(Self.waitSecondsMax))
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        if !came { throw try await overdue(condition, line: line) }
    }

    /// Returns the workers' first call that matches, once it has come in.
    func firstCall(
        line: UInt = #line, where matches: @Sendable (RecordedCall) -> Bool
    ) async throws -> RecordedCall {
        let call = await sandbox.call(within: .seconds(Self.waitSecondsMax), where: matches)
        guard let call else { throw try await overdue("a call comes", line: line) }
        return call
    }

    struct Overdue: Error { let condition: String }

    private func overdue(_ condition: String, line: UInt) async throws -> Overdue {
        let lanes = try await pool.query(
            """
            SELECT key, state, attempt, done, tail,
                extract(epoch FROM ready_at - now())::float8
            FROM lane WHERE state <> 0 LIMIT 20
            """
        ).decoded(String.self, Int.self, Int.self, Int.self, Int.self, Double.self)
        let calls = sandbox.calls.suffix(5).map { "\($0.method) \($0.path) \($0.status)" }
        XCTFail("not within the time: \(condition); \(lanes); last calls \(calls)", line: line)
        return Overdue(condition: condition)
    }

    private func deliveries() async -> [JSON] {
        await sandbox.control("GET", "/_sandbox/deliveries").body["deliveries"]?.array ?? []
    }

    /// The single number that the statement answers.
    func number(_ statement: SQL) async throws -> Int {
        let numbers = try await pool.query(statement).decoded(Int.self)
        return try XCTUnwrap(numbers.first)
    }
}
