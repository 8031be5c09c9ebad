import JSON
import Models
import Postgres
import Runtime
import Sandbox
import Store
import Synchronization
import XCTest

/// Waiting for what came of it.
extension Bridge {
    /// Returns when nothing is on its way any more: no message of a vendor, no event that waits,
    /// and none of either that came of the other meanwhile.
    func quiet(line: UInt = #line) async throws {
        while true {
            let isSettled = await sandbox.settled(withinSeconds: Self.patienceSeconds)
            XCTAssertTrue(isSettled, "messages are on their way for ever", line: line)
            let told = await deliveries()
            try await idle(line: line)
            let now = await deliveries()
            if now.count > told.count, isSettled { continue }
            for delivery in now {
                XCTAssertEqual(delivery["state"], "delivered", delivery.text, line: line)
            }
            return
        }
    }

    /// Returns when no event waits and none is being worked on.
    func idle(line: UInt = #line) async throws {
        try await eventually("events wait for ever", line: line) {
            try await pool.query("SELECT count(*) FROM lane WHERE state <> 0").decoded(Int.self)
                == [0]
        }
    }

    /// Looks now and whenever a lane changed, until it is so.
    func eventually(
        _ failure: String, line: UInt = #line,
        _ isSo: @escaping @Sendable () async throws -> Bool
    ) async throws {
        let signals = Listener(to: database.address, channels: ["lanes"])
        let came = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in signals where try await isSo() { return true }
                return false
            }
            group.addTask {
                await Latch().wait(atMost: .seconds(Self.patienceSeconds))
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        if !came { try await explain(failure, line: line) }
    }

    private func explain(_ failure: String, line: UInt) async throws {
        let lanes = try await pool.query(
            """
            SELECT key, state, attempt, done, tail,
                extract(epoch FROM ready_at - now())::float8 FROM lane WHERE state <> 0
            """
        ).decoded(String.self, Int.self, Int.self, Int.self, Int.self, Double.self)
        let calls = sandbox.calls.suffix(5).map { "\($0.method) \($0.path) \($0.status)" }
        XCTFail("\(failure): \(lanes); last calls \(calls)", line: line)
    }

    /// The worker's first call that this is true of, once it has come in.
    func call(
        line: UInt = #line, where matches: @Sendable (RecordedCall) -> Bool
    ) async throws -> RecordedCall {
        let call = await sandbox.call(withinSeconds: Self.patienceSeconds, where: matches)
        if call == nil { try await explain("the call never came", line: line) }
        return try XCTUnwrap(call, line: line)
    }

    private func deliveries() async -> [JSON] {
        await sandbox.control("GET", "/_sandbox/deliveries").body["deliveries"]?.array ?? []
    }
}

/// What the log and the ledger say.
extension Bridge {
    /// Oldest first.
    func events() async throws -> [LoggedEvent] {
        try await store.events(EventFilter(.connection(Self.connection)), limit: 10_000).reversed()
    }

    /// How the events of a kind ended, oldest first: `applied`, `ignored: a ping`,
    /// `failed: FIELD_INTEGRITY_EXCEPTION`, `waiting`.
    func outcomes(_ kind: String? = nil) async throws -> [String] {
        try await events().filter { kind == nil || $0.job.event.kind.rawValue == kind }
            .map { $0.ending?.outcome.words ?? "waiting" }
    }

    func onlyEvent(_ kind: String, line: UInt = #line) async throws -> LoggedEvent {
        let found = try await events().filter { $0.job.event.kind.rawValue == kind }
        XCTAssertEqual(found.count, 1, line: line)
        return try XCTUnwrap(found.first, line: line)
    }

    struct RecordedEffect {
        let key: String
        let state: String
        let request: JSON
        let result: JSON
    }

    /// Oldest first.
    func effects() async throws -> [RecordedEffect] {
        try await pool.query(
            """
            SELECT key, state, coalesce(request, 'null'), coalesce(result, 'null') FROM effect
            ORDER BY started_at, key
            """
        ).decoded(String.self, String.self, String.self, String.self).map {
            RecordedEffect(
                key: $0, state: $1, request: try JSON(parsing: $2), result: try JSON(parsing: $3))
        }
    }

    struct Postponement: Equatable {
        let attempt: Int
        let seconds: Double
    }

    /// What workers put off, in order; only where the bridge hurries.
    func postponed() async throws -> [Postponement] {
        try await pool.query("SELECT attempt, seconds FROM postponed ORDER BY place")
            .decoded(Int.self, Double.self).map(Postponement.init)
    }
}

/// Time, where the bridge does not hurry.
extension Bridge {
    /// Waits until the only lane with work is put off; for how long, and after how many attempts
    /// that count.
    func waitOfOnlyLane(
        line: UInt = #line
    ) async throws -> (seconds: Double, attempts: Int) {
        let putOff: SQL = """
            SELECT extract(epoch FROM ready_at - now())::float8, attempt FROM lane
            WHERE state = 1 AND epoch > 0 AND ready_at > now()
            """
        let found = Mutex<(seconds: Double, attempts: Int)?>(nil)
        try await eventually("nothing is put off", line: line) {
            let rows = try await pool.query(putOff).decoded(Double.self, Int.self)
            found.withLock { $0 = rows.first }
            return rows.count == 1
        }
        return try XCTUnwrap(found.withLock { $0 }, line: line)
    }

    /// Whatever waits for its time is due, and vendors may be called again. Workers keep their own
    /// time: it passes for those that are started later.
    func letTimePass() async throws {
        _ = try await pool.pipeline([
            "UPDATE lane SET ready_at = now() WHERE ready_at > now()",
            "UPDATE connection SET blocked_until = now()",
            "UPDATE budget SET closed_until = now(), open_until = now(), trips = 0",
        ])
    }
}

/// What the vendors hold, and what the worker changed there.
extension Bridge {
    /// `created Case 500..`, `incident.acknowledged Q2..`, in the order of the calls.
    func changes(_ prefix: String = "") -> [String] {
        sandbox.calls.flatMap(\.effects)
            .filter { !$0.hasPrefix("session of") && $0.hasPrefix(prefix) }
    }

    func record(_ object: String, _ id: RecordID, line: UInt = #line) async throws -> JSON {
        let answer = await sandbox.control("GET", "/_sandbox/salesforce/records/\(object)/\(id)")
        return try XCTUnwrap(answer.body["record"], answer.body.text, line: line)
    }

    func records(_ object: String) async -> [JSON] {
        await sandbox.control("GET", "/_sandbox/salesforce/records/\(object)")
            .body["records"]?.array ?? []
    }

    /// With its notes.
    func incident(_ id: IncidentID) async -> JSON {
        await sandbox.control("GET", "/_sandbox/pagerduty/incidents/\(id)").body
    }

    func incidents() async -> [JSON] {
        await sandbox.control("GET", "/_sandbox/pagerduty").body["incidents"]?.array ?? []
    }

    func onlyIncident(line: UInt = #line) async throws -> (id: IncidentID, told: JSON) {
        let incidents = await incidents()
        XCTAssertEqual(incidents.count, 1, line: line)
        let told = try XCTUnwrap(incidents.first, line: line)
        return (IncidentID(try XCTUnwrap(told["id"]?.string, line: line)), told)
    }

    func notes(on id: IncidentID) async -> [String] {
        await incident(id)["notes"]?.array?.compactMap { $0["content"]?.string } ?? []
    }

    func comments(on id: RecordID) async -> [String] {
        await records("CaseComment").filter { $0["ParentId"]?.string == id.long }
            .compactMap { $0["CommentBody"]?.string }
    }
}

extension Outcome {
    var words: String {
        switch self {
        case .applied, .unmatched: name
        case .ignored(let reason): "ignored: \(reason)"
        case .failed(let cause): "failed: \(cause.code)"
        }
    }
}
