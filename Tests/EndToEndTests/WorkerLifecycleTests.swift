import JSON
import Models
import Postgres
import Runtime
import Sandbox
import Store
import XCTest

@testable import Worker

/// A worker from its start to its stop: changes of the configuration, stops, and lost leases.
final class WorkerLifecycleTests: XCTestCase {
    private static let noting = Rules.onIncident(
        "note", when: Rules.event("escalate"), Rules.note("{{event.id}}"))

    func testAChangeOfTheRulesIsTakenOver() async throws {
        try await Rig.working(for: self, .init()) { rig in
            let incident = try await rig.trigger()
            try await rig.append(incident, 1)
            try await rig.untilQuiet()
            try await rig.configure([Self.noting])
            let version = try await rig.store.configurationVersion()
            var number = 1
            while true {
                number += 1
                try await rig.append(incident, number)
                try await rig.untilQuiet()
                let last = try await rig.events().last?.ending
                if last?.configurationVersion == version { break }
            }
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-\(number)"])
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes.first, "unmatched")
            XCTAssertEqual(outcomes.last, "applied")
        }
    }

    /// The worker does not lease its lanes either.
    func testAConnectionThatCannotBeReadStopsNoOther() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            await rig.sandbox.settled()
            try await rig.pool.query(
                "INSERT INTO connection (id, configuration) VALUES ('other', '{}')")
            var other = Rig.event("Q1", 1)
            other.event.connection = "other"
            try await rig.append([other, Rig.event(incident, 1)])
            try await rig.withWorker {
                try await rig.until("the readable connection's event is applied") {
                    try await rig.outcomes("incident.escalated") == ["applied"]
                }
            }
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-1"])
            let leases = try await rig.pool.query(
                "SELECT epoch FROM lane WHERE key = 'incident:Q1'"
            ).decoded(Int64.self)
            XCTAssertEqual(leases, [0], "others may be able to")
        }
    }

    func testLanesOfADisabledConnectionWait() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            await rig.sandbox.settled()
            try await rig.apply()
            try await rig.append(incident, 1)
            var other = Rig.event("Q1", 1)
            other.event.connection = "unknown"
            try await rig.withWorker { [other] in
                _ = try await rig.pool.query(
                    "INSERT INTO connection (id) VALUES ('unknown')")
                try await rig.append([other])
                try await rig.until("the disabled connection's lane is postponed") {
                    try await rig.pool.query("SELECT FROM postponement").count == 1
                }
                let untouched = try await rig.pool.query(
                    "SELECT count(*) FROM lane WHERE epoch = 0"
                ).decoded(Int.self)
                XCTAssertEqual(untouched, [1])
                let outcomes = try await rig.outcomes()
                XCTAssertEqual(Set(outcomes), ["waiting"])
                _ = try await rig.pool.query("DELETE FROM lane WHERE epoch > 0")
                try await rig.configure([Self.noting])
                try await rig.untilIdle()
            }
            let event = try await rig.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.outcome, .applied)
            XCTAssertEqual(event.ending?.attempt, 1, "waiting is no attempt")
        }
    }

    /// A stop finishes and records the effect under way, and gives back the lane with its rest.
    func testAStopRepeatsAndLosesNothing() async throws {
        let rule = Rules.onIncident(
            "two", when: Rules.event("escalate"), Rules.note("one"), Rules.note("two"))
        try await Rig.running(for: self, .init(rules: [rule])) { rig in
            let incident = try await rig.trigger()
            try await rig.withWorker { try await rig.untilQuiet() }
            let isStopping = Latch()
            let log = Log("worker", level: .debug, to: .opening(isStopping, "stopping", "lanes"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                let barrier = try await rig.holdBackRecords()
                group.addTask {
                    await isStopping.wait()
                    try await barrier.query("SELECT pg_advisory_unlock(1)")
                }
                try await rig.withWorker(log: log) {
                    try await rig.append(incident, 1)
                    _ = try await rig.firstCall {
                        $0.effects.contains("incident.annotated \(incident)")
                    }
                }
                try await group.waitForAll()
            }
            try await rig.checkIsGivenBack(.incident(incident))
            let performed = try await rig.effects().filter { $0.state == "started" }
            XCTAssertEqual(performed.count, 0, "the effect that was made is recorded")
            try await rig.withWorker { try await rig.untilQuiet() }
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["one", "two"])
            let event = try await rig.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.attempt, 1)
        }
    }

    /// A call that never ends is cut off when most of the time for the stop is over.
    func testAStopCutsOffACallThatNeverEnds() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            try await rig.withWorker { try await rig.untilQuiet() }
            await rig.injectFault(.hang(onNotesOf: incident, "hangAfterEffect"))
            try await rig.withWorker(graceSeconds: 3) {
                try await rig.append(incident, 1)
                _ = try await rig.firstCall { $0.fault == "hangAfterEffect" }
            }
            let trips = try await rig.pool.query("SELECT sum(trips) FROM budget")
                .decoded(Int?.self)
            XCTAssertEqual(trips, [0], "the vendor is not to blame")
            try await rig.checkIsGivenBack(.incident(incident))
            try await rig.withWorker { try await rig.untilQuiet() }
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-1"], "found, not repeated")
            let event = try await rig.onlyEvent("incident.escalated")
            XCTAssertEqual(event.ending?.attempt, 1)
        }
    }

    /// A stop gives lanes back that wait for the account's next calls.
    func testAStopDoesNotWaitForTheBudget() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            var incidents: [IncidentID] = []
            for _ in 1...40 { incidents.append(try await rig.trigger()) }
            try await rig.withWorker { try await rig.untilQuiet() }
            try await rig.withWorker(limits: {
                $0.pagerDutyCallsPerMinuteMax = 60
                $0.callWaitMax = Duration.seconds(0.5)
            }) {
                try await rig.append(incidents.map { Rig.event($0, 1) })
                _ = try await rig.firstCall { $0.path.hasSuffix("/notes") }
            }
            let waiting = try await rig.outcomes().filter { $0 == "waiting" }
            XCTAssertGreaterThan(waiting.count, 0)
            try await rig.withWorker { try await rig.untilQuiet() }
            for incident in incidents {
                let notes = await rig.notes(on: incident)
                XCTAssertEqual(notes, ["\(incident)-1"])
            }
        }
    }

    /// The worker counts as dead in the middle of a call, and another worker has its lane.
    func testAWorkerThatLostItsLeaseWritesNothing() async throws {
        let faults = ["hang", "hangAfterEffect"]
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            var incidents: [IncidentID] = []
            for fault in faults {
                incidents.append(try await rig.trigger())
                await rig.injectFault(.hang(onNotesOf: incidents.last ?? "", fault))
            }
            try await rig.withWorker("first") {
                try await rig.untilQuiet()
                try await rig.append(incidents.map { Rig.event($0, 1) })
                for fault in faults { _ = try await rig.firstCall { $0.fault == fault } }
                try await rig.expireWorkers()
                try await rig.withWorker("second") { try await rig.untilIdle() }
                await rig.clearFaults()
                // The first worker has tried to settle when it has ended.
            }
            try await rig.untilQuiet()
            for (incident, fault) in zip(incidents, faults) {
                let notes = await rig.notes(on: incident)
                XCTAssertEqual(notes, ["\(incident)-1"], fault)
            }
            let endings = try await rig.events()
                .filter { $0.job.event.kind == .incident(.escalated) }.compactMap(\.ending)
            XCTAssertEqual(endings.map(\.outcome), [.applied, .applied])
            XCTAssertEqual(
                endings.map(\.attempt), [2, 2], "a worker that is lost is an attempt")
        }
    }

    /// The call has its effect while no worker can record it. Afterwards the effect is found.
    func testAnOutageOfTheDatabaseLosesAndRepeatsNothing() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            await rig.injectFault(.hang(onNotesOf: incident, "hangAfterEffect"))
            let isInTrouble = Latch()
            let log = Log("worker", level: .error, to: .opening(isInTrouble, "lease failed"))
            try await rig.withWorker(log: log) {
                try await rig.append(incident, 1)
                _ = try await rig.firstCall { $0.fault == "hangAfterEffect" }
                try await rig.database.shut()
                await rig.clearFaults()
                await isInTrouble.wait()
                try await rig.database.reopen()
                try await rig.reconnect()
                try await rig.untilQuiet()
            }
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["\(incident)-1"])
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied"])
        }
    }

    /// The database commits a lease after the worker has given up waiting for the answer, so that
    /// the worker holds lanes that it does not know of.
    func testLanesOfALeaseWhoseAnswerIsLostAreGivenBack() async throws {
        try await Rig.running(for: self, .init(rules: [Self.noting])) { rig in
            let incident = try await rig.trigger()
            try await rig.withWorker { try await rig.untilQuiet() }
            try await rig.delayOneLease(seconds: 0.8)
            try await rig.append(incident, 1)
            let log = Log("worker", to: LogSink { _ in })
            try await rig.withWorker(
                limits: { $0.leaseDuration = .seconds(2) }, statementSecondsMax: 0.4, log: log
            ) { try await rig.untilQuiet() }
            let notes = await rig.notes(on: incident)
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

extension Rig {
    /// The lane is not leased, it is due, and its attempt does not count.
    fileprivate func checkIsGivenBack(_ lane: LaneKey, line: UInt = #line) async throws {
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

    /// Effects are recorded as performed only after the returned session releases its lock.
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

    /// Delays the commit of the next lease.
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
}
