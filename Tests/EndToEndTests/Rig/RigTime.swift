import Models
import Postgres
import Sandbox
import Synchronization

@testable import Worker

/// Time, where waits are not skipped.
extension Rig {
    /// Moves time on for the workers of this process, the database's rows and the stand-ins.
    ///
    /// No lane is leased meanwhile: a run that was decided before must not postpone its lane by a
    /// time that has passed since. A lane that would have become due in the past is due now,
    /// because workers look from where they found the last ones (`LeaseFloors`).
    func pass(_ seconds: Double) async throws {
        try await pool.query(
            """
            UPDATE connection
            SET blocked_until = greatest(blocked_until, now()) + interval '1 hour'
            """)
        try await untilCount("SELECT (count(*) = 0)::int FROM lane WHERE state = 2", atLeast: 1)
        // An ingest compares the times of signatures to the machine's clock.
        if !options.hasIngest { sandbox.clock.advance(by: .seconds(seconds)) }
        clock.advance(seconds, withWallClock: !options.hasIngest)
        try await pool.query(
            """
            UPDATE budget SET next_at = next_at - \(seconds) * interval '1 second',
                closed_until = closed_until - \(seconds) * interval '1 second',
                open_until = open_until - \(seconds) * interval '1 second'
            """)
        try await pool.query(
            """
            WITH waiting AS MATERIALIZED (
                SELECT lane_id FROM lane WHERE state = 1 ORDER BY lane_id FOR UPDATE SKIP LOCKED)
            UPDATE lane SET ready_at = least(ready_at,
                greatest(ready_at - \(seconds) * interval '1 second', clock_timestamp()))
            FROM waiting WHERE lane.lane_id = waiting.lane_id
            """)
        try await pool.query(
            """
            UPDATE connection SET blocked_until =
                blocked_until - interval '1 hour' - \(seconds) * interval '1 second'
            """)
    }

    struct Postponement: Equatable {
        let attempts: Int
        let seconds: Double
    }

    /// Returns the wait of the only lane that is postponed, and its attempts that count, as soon as
    /// there is one.
    func onlyPostponement(line: UInt = #line) async throws -> Postponement {
        let postponed: SQL = """
            SELECT attempt, extract(epoch FROM ready_at - now())::float8 FROM lane
            WHERE state = 1 AND epoch > 0 AND ready_at > now()
            """
        let found = Mutex<[Postponement]>([])
        try await until("one lane is postponed", line: line) {
            let rows = try await pool.query(postponed).decoded(Int.self, Double.self)
            found.withLock { $0 = rows.map(Postponement.init) }
            return rows.count == 1
        }
        return found.withLock { $0[0] }
    }

    /// The waits that workers decided on, in order. Requires `skipsWaits`.
    func skippedWaits() async throws -> [Postponement] {
        try await pool.query("SELECT attempt, seconds FROM skipped_wait ORDER BY place")
            .decoded(Int.self, Double.self).map(Postponement.init)
    }
}

/// The machine's time, and what a test adds to it.
final class MovableClock: Sendable {
    private let added = Mutex((wallClock: 0.0, seconds: 0.0))

    var clocks: Clocks {
        let system = Clocks.system
        return Clocks(
            now: { system.now().advanced(by: .seconds(self.added.withLock(\.wallClock))) },
            instant: { system.instant() + .seconds(self.added.withLock(\.seconds)) })
    }

    func advance(_ seconds: Double, withWallClock: Bool) {
        added.withLock {
            $0.seconds += seconds
            if withWallClock { $0.wallClock += seconds }
        }
    }
}

extension Pool {
    /// A lane that is postponed is due at once. The wait that was decided on is kept.
    func skipWaits() async throws {
        try await script(
            """
            CREATE TABLE skipped_wait (
                place bigint GENERATED ALWAYS AS IDENTITY, key text, attempt int, seconds float8)
            """,
            """
            CREATE FUNCTION skip_wait() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO skipped_wait (key, attempt, seconds)
                VALUES (NEW.key, NEW.attempt, extract(epoch FROM NEW.ready_at - now()));
                NEW.ready_at := now();
                RETURN NEW;
            END $$
            """,
            """
            CREATE TRIGGER skip_wait BEFORE UPDATE OF ready_at ON lane FOR EACH ROW
            WHEN (NEW.state = 1 AND OLD.state = 2 AND NEW.ready_at > now())
            EXECUTE FUNCTION skip_wait()
            """)
    }

    /// Notifies whenever a test that waits may have to look again.
    func announceChanges() async throws {
        try await script(
            """
            CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_notify('changes', ''); RETURN NULL; END $$
            """)
        for (table, event) in [
            ("lane", "INSERT OR UPDATE"), ("settlement", "INSERT"), ("connection", "UPDATE"),
            ("budget", "UPDATE"),
        ] {
            try await script(
                """
                CREATE TRIGGER announce AFTER \(unescaped: event) ON \(unescaped: table)
                FOR EACH STATEMENT EXECUTE FUNCTION announce()
                """)
        }
    }

    func script(_ statements: SQL...) async throws {
        for statement in statements { try await query(statement) }
    }
}
