import Models
import Runtime
import XCTest

@testable import Ingest

final class AppendQueueTests: XCTestCase {
    func testEveryEventOfManyHandlersIsCommittedOnceInGroups() async {
        let store = FakeIngestStore()
        await running(store) { queue in
            await withTaskGroup(of: Void.self) { group in
                for delivery in 0..<1000 {
                    group.addTask {
                        let receipt = try? await queue.append(events("d\(delivery)", 3))
                        XCTAssertEqual(receipt?.accepted, 3)
                    }
                }
            }
        }
        XCTAssertEqual(Set(store.events.map(\.id)).count, 3000)
        XCTAssertEqual(store.batches.reduce(0, +), 3000)
    }

    func testEventsThatArriveDuringACommitAreTheNextBatch() async {
        let store = FakeIngestStore()
        var limits = AppendLimits()
        (limits.writers, limits.batchEventsMax) = (1, 10)
        await held(store, limits) { queue, gate in
            await withTaskGroup(of: Void.self) { group in
                await enter(queue, in: &group, sizes: [4, 4, 4, 12, 1, 1])
                gate.open()
            }
        }
        // The first holds the writer. A delivery is never split: a large one goes alone.
        XCTAssertEqual(store.batches, [1, 8, 4, 12, 2])
    }

    func testABatchIsBoundedInBytesToo() async {
        let store = FakeIngestStore()
        var limits = AppendLimits()
        (limits.writers, limits.batchBytesMax) = (1, 5)
        await held(store, limits) { queue, gate in
            await withTaskGroup(of: Void.self) { group in
                // Each payload has two bytes.
                await enter(queue, in: &group, sizes: [1, 1, 1, 4])
                gate.open()
            }
        }
        XCTAssertEqual(store.batches, [1, 2, 1, 4])
    }

    func testBesideACommitFewEventsWaitUntilTheyAreAsMany() async {
        let store = FakeIngestStore()
        var limits = AppendLimits()
        (limits.writers, limits.lingerMax) = (3, .seconds(3600))
        await held(store, limits) { queue, gate in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await queue.append(events("two", 2)) }
                while store.inFlight < 3 { await Task.yield() }
                group.addTask { _ = try? await queue.append(events("few", 2)) }
                while queue.waitingEvents < 2 { await Task.yield() }
                XCTAssertEqual(store.inFlight, 3)
                group.addTask { _ = try? await queue.append(events("enough", 1)) }
                while store.inFlight < 6 { await Task.yield() }
                gate.open()
            }
        }
        XCTAssertEqual(store.batches.sorted(), [1, 2, 3])
    }

    func testAnEventDoesNotWaitForACommitThatHangs() async {
        let store = FakeIngestStore()
        let (gate, entered) = (Latch(), Latch())
        store.hold(until: gate, entered: entered)
        await running(store) { queue in
            async let hanging = try? queue.append(events("hanging", 2))
            await entered.wait()
            store.hold(until: .opened)
            for number in 0..<3 {
                let receipt = try? await queue.append(events("beside\(number)", 1))
                XCTAssertEqual(receipt?.accepted, 1)
            }
            gate.open()
            _ = await hanging
        }
        XCTAssertEqual(store.batches, [1, 1, 1, 2])
    }

    func testDuplicatesAreToldApartPerDelivery() async throws {
        await running(FakeIngestStore()) { queue in
            let first = try? await queue.append(events("a", 2))
            let again = try? await queue.append(events("a", 3))
            XCTAssertEqual([first?.accepted, first?.duplicates], [2, 0])
            XCTAssertEqual([again?.accepted, again?.duplicates], [1, 2])
            let none = try? await queue.append([])
            XCTAssertEqual([none?.accepted, none?.duplicates], [0, 0])
        }
    }

    func testBehindADeliveryThatWaitsTooLongTheNextIsRefused() async {
        let store = FakeIngestStore()
        var limits = AppendLimits()
        (limits.writers, limits.waitMax) = (1, .zero)
        await held(store, limits) { queue, gate in
            await withTaskGroup(of: Void.self) { group in
                await enter(queue, in: &group, sizes: [2])
                await refused(queue, "behind", .overloaded)
                gate.open()
            }
        }
        XCTAssertEqual(store.batches, [1, 2])
    }

    func testWithTheDatabaseAwayAllWhoWaitAreRefusedAtOnce() async {
        let store = FakeIngestStore()
        var limits = AppendLimits()
        limits.retryPause = .seconds(3600)
        limits.writers = 1
        await held(store, limits) { queue, gate in
            store.become(.away)
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask { await refused(queue, "w\(number)", .unavailable) }
                }
                while queue.waitingEvents < 20 { await Task.yield() }
                gate.open()
            }
            store.become(.available)
            // No delivery reaches the database during the pause.
            await refused(queue, "later", .unavailable)
        }
        XCTAssertEqual(store.batches, [])
    }

    func testAfterThePauseOneDeliveryTriesTheDatabase() async {
        let store = FakeIngestStore()
        store.become(.away)
        var limits = AppendLimits()
        limits.retryPause = .zero
        let (gate, entered) = (Latch(), Latch())
        await running(store, limits) { queue in
            await refused(queue, "first", .unavailable)
            store.become(.available)
            store.hold(until: gate, entered: entered)
            async let trying = queue.append(events("trying", 1))
            await entered.wait()
            await refused(queue, "meanwhile", .unavailable)
            gate.open()
            let tried = try? await trying
            XCTAssertEqual(tried?.accepted, 1)
            let after = try? await queue.append(events("after", 1))
            XCTAssertEqual(after?.accepted, 1)
        }
    }

    func testACommitThatFailsWhileOthersSucceedIsRefusedAlone() async {
        let store = FakeIngestStore()
        let (gate, entered) = (Latch(), Latch())
        store.hold(until: gate, entered: entered)
        var limits = AppendLimits()
        limits.retryPause = .seconds(3600)
        await running(store, limits) { queue in
            async let failing: Void = refused(queue, "failing", .unavailable)
            await entered.wait()
            store.hold(until: .opened)
            let beside = try? await queue.append(events("beside", 1))
            XCTAssertEqual(beside?.accepted, 1)
            store.become(.away)
            gate.open()
            await failing
            store.become(.available)
            let after = try? await queue.append(events("after", 1))
            XCTAssertEqual(after?.accepted, 1)
        }
    }

    func testTheDatabaseIsAwayOnceEveryWriterHasFailed() async {
        let store = FakeIngestStore()
        let (gates, entered) = ([Latch(), Latch()], [Latch(), Latch()])
        var limits = AppendLimits()
        limits.retryPause = .seconds(3600)
        await running(store, limits) { queue in
            await withTaskGroup(of: Void.self) { group in
                for number in 0...1 {
                    store.hold(until: gates[number], entered: entered[number])
                    group.addTask { await refused(queue, "w\(number)", .unavailable) }
                    await entered[number].wait()
                }
                store.become(.away)
                gates[0].open()
                await group.next()
                gates[1].open()
            }
            store.become(.available)
            await refused(queue, "later", .unavailable)
        }
        XCTAssertEqual(store.batches, [])
    }

    func testADeliveryThatTheDatabaseRefusesTakesNoOtherWithIt() async {
        let store = FakeIngestStore()
        store.become(.refusing("bad-0"))
        var limits = AppendLimits()
        limits.writers = 1
        await held(store, limits) { queue, gate in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await refused(queue, "bad", .unavailable) }
                for number in 0..<5 {
                    group.addTask {
                        let receipt = try? await queue.append(events("good\(number)", 1))
                        XCTAssertEqual(receipt?.accepted, 1)
                    }
                }
                while queue.waitingEvents < 6 { await Task.yield() }
                gate.open()
            }
        }
        XCTAssertEqual(store.events.count, 6)
    }

    func testAStopCommitsWhatWaitsAndRefusesLaterDeliveries() async {
        let store = FakeIngestStore()
        let stop = Latch()
        let gate = Latch()
        let entered = Latch()
        store.hold(until: gate, entered: entered)
        let queue = makeQueue(store, AppendLimits())
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await queue.run(until: stop) }
            for number in 0..<50 {
                group.addTask {
                    let receipt = try? await queue.append(events("s\(number)", 1))
                    XCTAssertEqual(receipt?.accepted, 1)
                }
            }
            while queue.waitingEvents + store.inFlight < 50 { await Task.yield() }
            stop.open()
            gate.open()
        }
        XCTAssertEqual(store.events.count, 50)
        await refused(queue, "late", .unavailable)
    }

    func testACancelledQueueRefusesWhatWaits() async {
        let store = FakeIngestStore()
        let (gate, entered, cancellation) = (Latch(), Latch(), Latch())
        store.hold(until: gate, entered: entered)
        var limits = AppendLimits()
        limits.writers = 1
        let queue = makeQueue(store, limits)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withTaskGroup(of: Void.self) { inner in
                    inner.addTask { await queue.run(until: Latch()) }
                    await cancellation.wait()
                    inner.cancelAll()
                }
            }
            group.addTask { _ = try? await queue.append(events("in flight", 1)) }
            await entered.wait()
            group.addTask { await refused(queue, "waiting", .unavailable) }
            while queue.waitingEvents < 1 { await Task.yield() }
            cancellation.open()
            while queue.waitingEvents > 0 { await Task.yield() }
            gate.open()
        }
    }
}

private func makeQueue(_ store: FakeIngestStore, _ limits: AppendLimits) -> AppendQueue {
    AppendQueue(
        store: store.asIngestStore, limits: limits,
        observer: Observer(metrics: Metrics(), log: Log("test", to: LogSink { _ in })))
}

private func running(
    _ store: FakeIngestStore, _ limits: AppendLimits = AppendLimits(),
    _ body: @escaping @Sendable (AppendQueue) async -> Void
) async {
    let queue = makeQueue(store, limits)
    let stop = Latch()
    async let run: Void = queue.run(until: stop)
    await body(queue)
    stop.open()
    await run
}

/// A queue whose only writer is busy with one event until `gate` opens.
private func held(
    _ store: FakeIngestStore, _ limits: AppendLimits,
    _ body: @escaping @Sendable (AppendQueue, Latch) async -> Void
) async {
    let (gate, entered) = (Latch(), Latch())
    store.hold(until: gate, entered: entered)
    await running(store, limits) { queue in
        async let first = try? queue.append(events("holding", 1))
        await entered.wait()
        await body(queue, gate)
        _ = await first
    }
}

/// Appends deliveries of these sizes, in this order.
private func enter(
    _ queue: AppendQueue, in group: inout TaskGroup<Void>, sizes: [Int]
) async {
    var waiting = 0
    for (number, size) in sizes.enumerated() {
        group.addTask {
            let receipt = try? await queue.append(events("e\(number)", size))
            XCTAssertEqual(receipt?.accepted, size)
        }
        waiting += size
        while queue.waitingEvents < waiting { await Task.yield() }
    }
}

extension Latch {
    fileprivate static var opened: Latch {
        let latch = Latch()
        latch.open()
        return latch
    }
}

extension AppendQueue {
    fileprivate func append(_ events: [NewEvent]) async throws(Rejection) -> Receipt {
        let result = await withCheckedContinuation { continuation in
            append(events) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }
}

private func refused(
    _ queue: AppendQueue, _ name: String, _ rejection: Rejection, line: UInt = #line
) async {
    do {
        let receipt = try await queue.append(events(name, 1))
        XCTFail("\(receipt)", line: line)
    } catch {
        XCTAssertEqual(error, rejection, line: line)
    }
}

private func events(_ name: String, _ count: Int) -> [NewEvent] {
    (0..<count).map { number in
        NewEvent(
            event: Event(
                id: EventID("\(name)-\(number)"), connection: "acme", source: .pagerDuty,
                kind: .ping, occurredAt: Fixtures.now, lane: .connection, format: .pagerDutyV3,
                payload: Array("{}".utf8)),
            deduplicationKey: "\(name)-\(number)")
    }
}
