import Foundation
import Models
import Postgres
import TestSupport
import XCTest

@testable import Store

/// `deploy/move`: everything is keyed by the connection's own name, so that what one database knows
/// of it is good in another, whatever number it has there.
final class MoveTests: XCTestCase {
    func testAMovedConnectionGoesOnWhereItWas() async throws {
        let old = try await StoreFixture.make(for: self)
        let new = try await StoreFixture.make(for: self)
        // There it has another number, and others live there already.
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

        XCTAssertEqual(try Self.move("one", from: old, to: new), 0)

        let events = try await new.store.events(EventFilter(connection: "one"))
        XCTAssertEqual(Set(events.map(\.job.event.id)), ["e1", "e2", "e3"])
        XCTAssertEqual(events.filter { $0.ending != nil }.map(\.job.event.id), ["e1"])
        let links = try await new.store.links(incident: "Q1", in: "one")
        XCTAssertEqual(links, [link])
        // What it has seen it knows; what is new follows in its lane.
        let answers = try await new.append([
            .sample("e2", lane: "a", key: "k2"), .sample("e4", lane: "a", key: "k4"),
        ])
        XCTAssertEqual(answers.first, .duplicate)
        let follower = try await new.worker()
        let lanes = try await new.lease(follower).lanes.filter { $0.connection == "one" }
        XCTAssertEqual(
            Dictionary(uniqueKeysWithValues: lanes.map { ($0.key, $0.jobs.map(\.event.id)) }),
            ["a": ["e2", "e4"], "b": ["e3"]])
        // Nobody works on it in the old place, where others go on.
        _ = try await old.append([.sample("z", connection: "two")])
        let left = try await old.lease(worker).lanes
        XCTAssertEqual(Set(left.map(\.connection)), ["two"])
    }

    func testAConnectionThatIsThereAlreadyIsNotMoved() async throws {
        let old = try await StoreFixture.make(for: self)
        let new = try await StoreFixture.make(for: self)
        _ = try await old.append([.sample("e1")])
        _ = try await new.append([.sample("e2")])
        XCTAssertEqual(try Self.move("one", from: old, to: new), 1)
        let active = try await old.number(
            "SELECT count(*) FROM connection WHERE blocked_until > now()")
        XCTAssertEqual(active, 0)
    }

    private static func move(
        _ connection: ConnectionID, from old: StoreFixture, to new: StoreFixture
    ) throws -> Int32 {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = root.appendingPathComponent("deploy/move")
        process.arguments = [connection.rawValue, old.database.url, new.database.url]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
