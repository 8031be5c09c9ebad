import JSON
import Models
import Postgres
import Runtime
import Sandbox
import Store
import XCTest

@testable import Worker

/// A worker's life: what it is told while it works, how it stops, and what others find of it.
final class LifeTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("{{event.id}}"))

    func testAChangeOfTheRulesIsTakenOver() async throws {
        try await Bridge.atWork(for: self, .init()) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.append(incident, 1)
            try await bridge.quiet()
            try await bridge.configure([Self.noting])
            let version = try await bridge.store.configurationVersion()
            var number = 1
            while true {
                number += 1
                try await bridge.append(incident, number)
                try await bridge.quiet()
                let last = try await bridge.events().last?.ending
                if last?.configurationVersion == version { break }
            }
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-\(number)"])
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes.first, "unmatched")
            XCTAssertEqual(outcomes.last, "applied")
        }
    }

    /// And nobody looks at it; at another one, that no worker knows yet, somebody does.
    func testAConnectionThatCannotBeReadKeepsNoOtherBack() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            await bridge.sandbox.settled()
            try await bridge.pool.query(
                "INSERT INTO connection (id, configuration) VALUES ('other', '{}')")
            var other = Bridge.event("Q1", 1)
            other.event.connection = "other"
            try await bridge.append([other, Bridge.event(incident, 1)])
            try await bridge.withWorker {
                try await bridge.eventually("it waits") {
                    try await bridge.outcomes("incident.escalated") == ["applied"]
                }
            }
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-1"])
            let leases = try await bridge.pool.query(
                "SELECT epoch FROM lane WHERE key = 'incident:Q1'"
            ).decoded(Int64.self)
            XCTAssertEqual(leases, [0], "others may be able to")
        }
    }

    func testAConnectionThatIsSwitchedOffWaits() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            await bridge.sandbox.settled()
            try await bridge.configure([], isActive: false)
            try await bridge.append(incident, 1)
            var other = Bridge.event("Q1", 1)
            other.event.connection = "unknown"
            try await bridge.withWorker { [other] in
                _ = try await bridge.pool.query(
                    "INSERT INTO connection (id) VALUES ('unknown')")
                try await bridge.append([other])
                try await bridge.eventually("nobody looked") {
                    try await bridge.pool.query("SELECT FROM postponement").count == 1
                }
                let untouched = try await bridge.pool.query(
                    "SELECT count(*) FROM lane WHERE epoch = 0"
                ).decoded(Int.self)
                XCTAssertEqual(untouched, [1])
                let outcomes = try await bridge.outcomes()
                XCTAssertEqual(Set(outcomes), ["waiting"])
                _ = try await bridge.pool.query("DELETE FROM lane WHERE epoch > 0")
                try await bridge.configure([Self.noting])
                try await bridge.idle()
            }
            let event = try await bridge.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.outcome, .applied)
            XCTAssertEqual(event.ending?.attempt, 1, "waiting is no attempt")
        }
    }

    /// What is under way is finished and written down, what is not begun is given back.
    func testAStopRepeatsAndLosesNothing() async throws {
        let rule = Rules.onIncident(
            "two", when: Rules.event("escalate"), Rules.note("one"), Rules.note("two"))
        try await Bridge.open(for: self, .init(rules: [rule])) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.withWorker { try await bridge.quiet() }
            let isStopping = Latch()
            let log = Log("worker", level: .debug, to: .opening(isStopping, "stopping", "lanes"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                let barrier = try await bridge.holdBackRecords()
                group.addTask {
                    await isStopping.wait()
                    try await barrier.query("SELECT pg_advisory_unlock(1)")
                }
                try await bridge.withWorker(log: log) {
                    try await bridge.append(incident, 1)
                    _ = try await bridge.call {
                        $0.effects.contains("incident.annotated \(incident)")
                    }
                }
                try await group.waitForAll()
            }
            try await bridge.checkNobodyHolds(.incident(incident))
            let performed = try await bridge.effects().filter { $0.state == "started" }
            XCTAssertEqual(performed.count, 0, "what was made is written down")
            try await bridge.withWorker { try await bridge.quiet() }
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["one", "two"])
            let event = try await bridge.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.attempt, 1)
        }
    }

    /// A call that never ends is cut off when the patience of the stop is over.
    func testAStopDoesNotWaitForEver() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.withWorker { try await bridge.quiet() }
            await bridge.order(.hang(onNotesOf: incident, "hangAfterEffect"))
            try await bridge.withWorker(graceSeconds: 3) {
                try await bridge.append(incident, 1)
                _ = try await bridge.call { $0.fault == "hangAfterEffect" }
            }
            let trips = try await bridge.pool.query("SELECT sum(trips) FROM budget")
                .decoded(Int?.self)
            XCTAssertEqual(trips, [0], "the vendor is not to blame")
            try await bridge.checkNobodyHolds(.incident(incident))
            try await bridge.withWorker { try await bridge.quiet() }
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-1"], "found, not repeated")
            let event = try await bridge.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.attempt, 1)
        }
    }

    /// Lanes that wait for the account's next free call are not waited for.
    func testAStopDoesNotWaitForABudget() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            var incidents: [IncidentID] = []
            for _ in 1...40 { incidents.append(try await bridge.trigger()) }
            try await bridge.withWorker { try await bridge.quiet() }
            try await bridge.withWorker(limits: { $0.pagerDutyCallsPerMinuteMax = 60 }) {
                try await bridge.append(incidents.map { Bridge.event($0, 1) })
                _ = try await bridge.call { $0.path.hasSuffix("/notes") }
            }
            let waiting = try await bridge.outcomes().filter { $0 == "waiting" }
            XCTAssertGreaterThan(waiting.count, 0)
            try await bridge.withWorker { try await bridge.quiet() }
            for incident in incidents {
                let notes = await bridge.notes(on: incident)
                XCTAssertEqual(notes, ["\(incident)-1"])
            }
        }
    }

    /// The worker was taken for dead in the middle of a call, and another one has its lane.
    func testWhoLostItsLeaseWritesNothing() async throws {
        let faults = ["hang", "hangAfterEffect"]
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            var incidents: [IncidentID] = []
            for fault in faults {
                incidents.append(try await bridge.trigger())
                await bridge.order(.hang(onNotesOf: incidents.last ?? "", fault))
            }
            try await bridge.withWorker("first") {
                try await bridge.quiet()
                try await bridge.append(incidents.map { Bridge.event($0, 1) })
                for fault in faults { _ = try await bridge.call { $0.fault == fault } }
                try await bridge.expireWorkers()
                try await bridge.withWorker("second") { try await bridge.idle() }
                await bridge.release()
                // Whatever the first one has to say is said when it has ended.
            }
            try await bridge.quiet()
            for (incident, fault) in zip(incidents, faults) {
                let notes = await bridge.notes(on: incident)
                XCTAssertEqual(notes, ["\(incident)-1"], fault)
            }
            let endings = try await bridge.events()
                .filter { $0.job.event.kind == .incident(.escalated) }.compactMap(\.ending)
            XCTAssertEqual(endings.map(\.outcome), [.applied, .applied])
            XCTAssertEqual(
                endings.map(\.attempt), [2, 2], "a worker that is lost is an attempt")
        }
    }

    /// The call has its effect and nobody can write that down; afterwards it is found.
    func testADatabaseThatIsAwayInTheMiddleLosesAndRepeatsNothing() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            await bridge.order(.hang(onNotesOf: incident, "hangAfterEffect"))
            let isInTrouble = Latch()
            let log = Log("worker", level: .error, to: .opening(isInTrouble, "lease failed"))
            try await bridge.withWorker(log: log) {
                try await bridge.append(incident, 1)
                _ = try await bridge.call { $0.fault == "hangAfterEffect" }
                try await bridge.database.shut()
                await bridge.release()
                await isInTrouble.wait()
                try await bridge.database.reopen()
                try await bridge.reconnect()
                try await bridge.quiet()
            }
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-1"])
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied"])
        }
    }

    /// The database commits a lease after the worker has given up waiting for the answer: the
    /// worker holds lanes that it does not know of.
    func testALeaseWhoseAnswerIsLostIsNotHeldForEver() async throws {
        try await Bridge.open(for: self, .init(rules: [Self.noting])) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.withWorker { try await bridge.quiet() }
            try await bridge.delayOneLease(seconds: 0.8)
            try await bridge.append(incident, 1)
            let log = Log("worker", to: LogSink { _ in })
            try await bridge.withWorker(
                limits: { $0.leaseDuration = .seconds(2) }, statementSecondsMax: 0.4, log: log
            ) { try await bridge.quiet() }
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-1"])
        }
    }
}

extension JSON {
    fileprivate static func hang(
        onNotesOf incident: IncidentID, _ fault: String = "hang"
    ) -> JSON {
        [
            "vendor": "pagerduty", "fault": .string(fault), "method": "POST",
            "path": .string("/incidents/\(incident)/notes"),
        ]
    }
}

extension Bridge {
    /// The lane has its work, is nobody's, due, and its attempt does not count.
    fileprivate func checkNobodyHolds(_ lane: LaneKey, line: UInt = #line) async throws {
        let rows = try await pool.query(
            """
            SELECT state <> 2 AND owner IS NULL AND ready_at <= now(), attempt FROM lane
            WHERE key = \(lane.rawValue)
            """
        ).decoded(Bool.self, Int.self)
        XCTAssertEqual(rows.map(\.0), [true], line: line)
        XCTAssertEqual(rows.map(\.1), [0], line: line)
        let workers = try await pool.query("SELECT count(*) FROM worker").decoded(Int.self)
        XCTAssertEqual(workers, [0], line: line)
    }

    /// Effects that end are written down only when the session that is returned lets them.
    fileprivate func holdBackRecords() async throws -> Session {
        _ = try await pool.query(
            """
            CREATE FUNCTION hold_back() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$
            """)
        _ = try await pool.query(
            """
            CREATE TRIGGER hold_back BEFORE UPDATE ON effect FOR EACH ROW
            WHEN (NEW.state = 'performed') EXECUTE FUNCTION hold_back()
            """)
        let session = Session(to: database.address)
        try await session.open()
        try await session.query("SELECT pg_advisory_lock(1)")
        return session
    }

    /// The next lease takes that long to be committed.
    fileprivate func delayOneLease(seconds: Double) async throws {
        _ = try await pool.query("CREATE SEQUENCE delayed")
        _ = try await pool.query(
            """
            CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('delayed') = 1 THEN PERFORM pg_sleep(\(unescaped: "\(seconds)")); END IF;
                RETURN NEW;
            END $$
            """)
        _ = try await pool.query(
            """
            CREATE TRIGGER delay BEFORE UPDATE ON lane FOR EACH ROW
            WHEN (NEW.state = 2) EXECUTE FUNCTION delay()
            """)
    }

    /// Drops the connections that the database has ended.
    func reconnect() async throws {
        for _ in 1...16 { _ = try? await pool.query("SELECT 1") }
    }

    /// All workers of now are taken for dead, as if they had not renewed their leases for long.
    func expireWorkers() async throws {
        _ = try await pool.query("UPDATE worker SET expires_at = now() - interval '1 second'")
        _ = try await store.rescue()
        try await store.notify()
    }
}
