import Models
import Postgres
import XCTest

@testable import Store

/// All keys are made of the connection's name, so data of one database mean the same in another,
/// whatever number the connection has there.
final class MoveTests: XCTestCase {
    func testEverythingOfAConnectionIsMoved() async throws {
        let move = try await move()
        XCTAssertEqual(
            move.rows.filter { $0.rows > 0 }.map { "\($0.table) \($0.rows)" },
            ["lane 2", "job 3", "settlement 1", "link 1"])
        let events = try await move.new.store.events(EventFilter(.connection("one")))
        XCTAssertEqual(Set(events.map(\.job.event.id)), ["e1", "e2", "e3"])
        XCTAssertEqual(events.filter { $0.ending != nil }.map(\.job.event.id), ["e1"])
        let links = try await move.new.store.links(incident: "Q1", in: "one")
        XCTAssertEqual(links, [move.link])
    }

    func testAMovedConnectionGoesOnWhereItWas() async throws {
        let move = try await move()
        // Known keys are duplicates there; new events follow in their lane.
        let answers = try await move.new.append([
            .sample("e2", lane: "a", key: "k2"), .sample("e4", lane: "a", key: "k4"),
        ])
        XCTAssertEqual(answers.first, .duplicate)
        let follower = try await move.new.worker()
        let lanes = try await move.new.lease(follower).lanes.filter { $0.connection == "one" }
        XCTAssertEqual(
            Dictionary(uniqueKeysWithValues: lanes.map { ($0.key, $0.jobs.map(\.event.id)) }),
            ["a": ["e2", "e4"], "b": ["e3"]])
    }

    func testNoWorkerLeasesTheLanesThatHaveMoved() async throws {
        let move = try await move()
        _ = try await move.old.append([.sample("z", connection: "two")])
        let left = try await move.old.lease(move.worker).lanes
        XCTAssertEqual(Set(left.map(\.connection)), ["two"])
    }

    func testEveryWordOfAPayloadArrives() async throws {
        let (old, new) = try await databases()
        let words = #"{"text":"tab \t, back\\slash, \\N, line\nend, é, 雪"}"#
        // This is more than is in memory at once.
        let text = #"{"text":"\#(String(repeating: "x", count: 1 << 20))"}"#
        var events = [NewEvent.sample("e1", payload: words), .sample("e2", payload: text)]
        let replay = events[0].event.replayed(.rest, nonce: "1")
        events.append(NewEvent(event: replay, deduplicationKey: "e3"))
        _ = try await old.append(events)
        _ = try await old.store.move("one", to: new.store)
        for event in events.map(\.event) {
            let moved = try await new.store.event(event.id, of: "one")
            XCTAssertEqual(moved?.job.event, event)
        }
    }

    /// The keys are copied in portions, so that the block can be renewed between them.
    func testDeduplicationKeysAreMoved() async throws {
        let (old, new) = try await databases()
        _ = try await old.append([.sample("e1")])
        _ = try await old.pool.query(
            "SELECT create_partition('deduplication', period_now() - 1, '')")
        _ = try await old.pool.query(
            """
            INSERT INTO deduplication (period, hash)
            SELECT period_now() - n % 2, decode(lpad(to_hex(n), 4, '0') || 'aa', 'hex')
            FROM generate_series(0, 65535, 85) AS n
            """)
        _ = try await new.pool.query(
            "INSERT INTO deduplication VALUES (period_now(), '\\x0000aa')")
        try await old.countBlocks()
        _ = try await old.store.move("one", to: new.store, renewal: .zero)
        let seen: SQL = "SELECT count(*) FROM deduplication"
        let (there, here) = (try await new.number(seen), try await old.number(seen))
        XCTAssertEqual(there, here)
        XCTAssertEqual(here, 773)
        let blocks = try await old.number("SELECT last_value FROM blocks")
        XCTAssertGreaterThan(blocks, 64)
    }

    /// The block may have expired, or a lease may have been on its way.
    func testALaneThatChangesDuringTheMoveStopsIt() async throws {
        let (old, new) = try await databases()
        _ = try await old.append([.sample("e1")])
        _ = try await old.pool.query(
            """
            CREATE FUNCTION intrude() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                UPDATE lane SET epoch = epoch + 1;
                RETURN NULL;
            END $$
            """)
        _ = try await old.pool.query(
            """
            CREATE TRIGGER intrude AFTER UPDATE ON connection FOR EACH ROW
            WHEN (NEW.blocked_until = 'infinity') EXECUTE FUNCTION intrude()
            """)
        await assertStays("one", in: old, to: new, because: .notQuiet)
        let moved = try await new.number("SELECT count(*) FROM lane")
        XCTAssertEqual(moved, 0)
    }

    func testAConnectionThatIsThereAlreadyIsNotMoved() async throws {
        let (old, new) = try await databases()
        _ = try await old.append([.sample("e1")])
        _ = try await new.append([.sample("e2")])
        await assertStays("one", in: old, to: new, because: .eventsThere)
    }

    func testAConnectionThatWasMovedIsNotMovedToAThirdDatabase() async throws {
        let (old, new) = try await databases()
        _ = try await old.append([.sample("e1")])
        _ = try await old.store.move("one", to: new.store)
        let third = try await StoreFixture.make(for: self)
        do throws(MoveError) {
            _ = try await old.store.move("one", to: third.store)
            XCTFail("moved")
        } catch {
            XCTAssertEqual(error, .blocked)
        }
        let blocked = try await old.number(
            "SELECT count(*) FROM connection WHERE blocked_until = 'infinity'")
        XCTAssertEqual(blocked, 1)
        _ = try await old.store.move("one", to: third.store, force: true)
        let events = try await third.store.events(EventFilter(.connection("one")))
        XCTAssertEqual(events.map(\.job.event.id), ["e1"])
    }

    func testAConnectionWithLeasedLanesIsNotMoved() async throws {
        let (old, new) = try await databases()
        _ = try await old.append([.sample("e1")])
        _ = try await old.lease(try await old.worker())
        await assertStays("one", in: old, to: new, because: .notQuiet)
    }

    /// The two transactions of a move wait for each other longer than a transaction may be idle.
    func testAMoveOutlastsTheLimitForIdleTransactions() async throws {
        let (old, new) = try await databases()
        _ = try await old.append([.sample("e1")])
        _ = try await new.pool.query(
            """
            CREATE FUNCTION delay_insert() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_sleep(1);
                RETURN NEW;
            END $$
            """)
        _ = try await new.pool.query(
            """
            CREATE TRIGGER delay_insert BEFORE INSERT ON deduplication FOR EACH ROW
            EXECUTE FUNCTION delay_insert()
            """)
        let (source, target) = (try await old.hasty(), try await new.hasty())
        _ = try await source.move("one", to: target)
        let events = try await new.store.events(EventFilter(.connection("one")))
        XCTAssertEqual(events.map(\.job.event.id), ["e1"])
    }

    /// A connection whose unblock fails would stay blocked for a minute.
    func testAFailedUnblockIsRepeated() async throws {
        let (old, new) = try await databases()
        _ = try await old.append([.sample("e1")])
        _ = try await old.pool.query("CREATE SEQUENCE refusals")
        _ = try await old.pool.query(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('refusals') = 1 THEN RAISE 'not now'; END IF;
                RETURN NEW;
            END $$
            """)
        _ = try await old.pool.query(
            """
            CREATE TRIGGER refuse BEFORE UPDATE ON connection FOR EACH ROW
            WHEN (NEW.blocked_until = 'epoch') EXECUTE FUNCTION refuse()
            """)
        _ = try await old.lease(try await old.worker())
        await assertStays("one", in: old, to: new, because: .notQuiet)
        let attempts = try await old.number("SELECT last_value FROM refusals")
        XCTAssertEqual(attempts, 2)
    }

    func testAConnectionThatIsNotKnownThereIsNotMoved() async throws {
        let (old, new) = try await databases()
        _ = try await new.pool.query("DELETE FROM connection WHERE id = 'one'")
        _ = try await old.append([.sample("e1")])
        await assertStays(
            "one", in: old, to: new, because: .failed(.notFound(.connection("one"))))
    }

    private func databases() async throws -> (old: StoreFixture, new: StoreFixture) {
        (try await StoreFixture.make(for: self), try await StoreFixture.make(for: self))
    }

    /// Moves a connection with a link and three events, of which one is settled. It has another
    /// number in the new database, where another connection has events too.
    private func move() async throws -> ConnectionMove {
        let (old, new) = try await databases()
        _ = try await new.pool.query("DELETE FROM connection WHERE id = 'one'")
        _ = try await new.pool.query("INSERT INTO connection (id) VALUES ('one')")
        _ = try await new.append([.sample("x", lane: "a", connection: "two", key: "k1")])
        _ = try await old.append([
            .sample("e1", lane: "a", key: "k1"), .sample("e2", lane: "a", key: "k2"),
            .sample("e3", lane: "b", key: "k3"), .sample("y", lane: "a", connection: "two"),
        ])
        let link = Link(
            incident: "Q1", object: "Case", record: try XCTUnwrap(RecordID("500000000000001")))
        try await old.store.link(link, in: "one")
        let worker = try await old.worker()
        for lane in try await old.lease(worker).lanes {
            _ = try await old.store.settle([lane.settled(first: lane.key == "a" ? 1 : 0)])
        }
        let rows = try await old.store.move("one", to: new.store)
        return ConnectionMove(old: old, new: new, link: link, worker: worker, rows: rows)
    }

    /// Asserts that the move is refused for the reason, and that the connection is worked on here
    /// as before.
    private func assertStays(
        _ connection: ConnectionID, in old: StoreFixture, to new: StoreFixture,
        because reason: MoveError
    ) async {
        do throws(MoveError) {
            _ = try await old.store.move(connection, to: new.store, quietMax: .zero)
            XCTFail("moved")
        } catch {
            XCTAssertEqual(error, reason)
        }
        let blocked = try? await old.number(
            "SELECT count(*) FROM connection WHERE blocked_until > now()")
        XCTAssertEqual(blocked, 0)
    }
}

/// The move of the connection `one`.
private struct ConnectionMove {
    let old: StoreFixture
    let new: StoreFixture
    let link: Link
    /// A worker of the old database.
    let worker: WorkerID
    let rows: [(table: String, rows: Int)]
}

extension StoreFixture {
    /// The same database with a short limit for idle transactions.
    fileprivate func hasty() async throws -> Store {
        _ = try await pool.query(
            """
            ALTER DATABASE \(unescaped: database.name)
            SET idle_in_transaction_session_timeout = '200ms'
            """)
        return Store(database.pool())
    }

    /// Counts the blocks in the sequence `blocks`.
    fileprivate func countBlocks() async throws {
        _ = try await pool.query("CREATE SEQUENCE blocks")
        _ = try await pool.query(
            """
            CREATE FUNCTION count_block() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM nextval('blocks');
                RETURN NULL;
            END $$
            """)
        _ = try await pool.query(
            """
            CREATE TRIGGER count_block AFTER UPDATE ON connection FOR EACH ROW
            EXECUTE FUNCTION count_block()
            """)
    }
}
