import JSON
import Models
import Postgres
import Runtime
import Sandbox
import Store
import XCTest

/// Two workers as processes over a Postgres of their own. One worker is killed in the middle, and
/// Postgres crashes.
final class CrashTests: XCTestCase {
    private static let lanes = 500
    private static let eventsPerLane = 20
    private static let events = lanes * eventsPerLane

    func testEveryEventIsSettledOnceAndInOrderThroughCrashes() async throws {
        let cluster = try PrivateCluster(for: self)
        var options = Rig.Options.workersOnly
        options.cluster = cluster
        try await Rig.running(for: self, options) { rig in
            let records = try await rig.appendNumbers(
                lanes: Self.lanes, eventsPerLane: Self.eventsPerLane)
            // A short lease, so that the lanes of the killed worker are free again soon.
            let settings = [
                "LIAISON_WORKER_LEASE_SECONDS": "3", "LIAISON_WORKER_JOBS_PER_LANE_MAX": "3",
            ]
            let first = try rig.startWorker(for: self, settings)
            let second = try rig.startWorker(for: self, settings)
            let finished = try await atMost(seconds: 240) {
                var (killed, restarted) = (false, false)
                for await settled in rig.settledCounts() {
                    if !killed, settled >= Self.events / 5 {
                        killed = true
                        first.kill()
                    }
                    if !restarted, settled >= Self.events / 2 {
                        restarted = true
                        try cluster.restart()
                    }
                    if settled == Self.events { return }
                }
            }
            XCTAssertTrue(finished, second.logText)
            XCTAssertEqual(second.terminate(), 0, second.logText)
            try await rig.checkLedger()
            rig.checkOrder(of: records)
        }
    }
}

/// Returns false if the body did not end within that time.
private func atMost(
    seconds: Double, _ body: @escaping @Sendable () async throws -> Void
) async throws -> Bool {
    try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
            try await body()
            return true
        }
        group.addTask { await Latch().wait(atMost: .seconds(seconds)) }
        defer { group.cancelAll() }
        return try await group.next() ?? false
    }
}

extension Rig {
    /// Appends events whose rule writes the incident's number to its case. Event `n` of a lane has
    /// the number `n`.
    fileprivate func appendNumbers(lanes: Int, eventsPerLane: Int) async throws -> [RecordID] {
        let rule = Rules.onIncident("number", when: Rules.always, Rules.setNumber)
        try await apply(entry(Self.connection, .salesforce, rules: [rule]))
        let records = try await cases(lanes)
        for (lane, record) in records.enumerated() {
            try await link(Self.incident(lane), record)
        }
        for number in 1...eventsPerLane {
            try await append((0..<lanes).map { Self.event(Self.incident($0), number) })
        }
        return records
    }

    /// The number of settled events, now and after every change.
    fileprivate func settledCounts() -> SettledCounts {
        let listener = NotificationListener(to: database.address, channels: ["changes"])
        return SettledCounts(signals: listener.makeAsyncIterator(), pool: pool)
    }

    fileprivate struct SettledCounts: AsyncSequence, AsyncIteratorProtocol {
        fileprivate var signals: NotificationListener.Iterator
        fileprivate let pool: Pool

        func makeAsyncIterator() -> Self { self }

        /// Skips a change while the database is away.
        mutating func next() async -> Int? {
            while await signals.next() != nil {
                let counts = try? await pool.query("SELECT count(*) FROM settlement")
                    .decoded(Int.self)
                if let count = counts?.first { return count }
            }
            return nil
        }
    }

    fileprivate func checkLedger() async throws {
        let rows = try await pool.query(
            """
            SELECT count(*), count(DISTINCT (lane_id, sequence)),
                count(*) FILTER (WHERE outcome = 'applied') FROM settlement
            """
        ).decoded(Int.self, Int.self, Int.self)
        let (settled, distinct, applied) = try XCTUnwrap(rows.first)
        XCTAssertEqual(settled, 10_000)
        XCTAssertEqual(distinct, 10_000)
        XCTAssertEqual(applied, 10_000)
        let open = try await pool.query(
            "SELECT count(*) FROM lane WHERE state <> 0 OR done <> tail OR done <> 20"
        ).decoded(Int.self)
        XCTAssertEqual(open, [0])
    }

    /// The worker that took a lane over may repeat a write, but not after a newer one.
    fileprivate func checkOrder(of records: [RecordID]) {
        var last: [RecordID: Int] = [:]
        for (id, number) in sandbox.calls.flatMap(\.numbersWritten) {
            XCTAssertGreaterThanOrEqual(number, last[id] ?? 0, "\(id) went back")
            last[id] = number
        }
        XCTAssertEqual(last.count, records.count)
        XCTAssertEqual(Set(last.values), [20])
    }
}

extension RecordedCall {
    /// The numbers that the call wrote, and their records.
    fileprivate var numbersWritten: [(RecordID, Int)] {
        guard method == "PATCH", status == 200 || status == 204,
            let body = try? JSON(parsing: body)
        else { return [] }
        let own = path.split(separator: "/").last.map(String.init)
        let records = body["records"]?.array?.map { ($0["id"]?.string, $0) } ?? [(own, body)]
        return records.compactMap { id, fields in
            guard let id = id.flatMap({ RecordID($0) }),
                let number = fields["PagerDuty_Incident_Number__c"]?.int
            else { return nil }
            return (id, number)
        }
    }
}
