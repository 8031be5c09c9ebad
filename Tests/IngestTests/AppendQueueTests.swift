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
            await assertAccepted([4, 4, 4, 12, 1, 1], by: queue) { gate.open() }
        }
        // The first holds the writer. A delivery is never split: a large one goes alone.
        XCTAssertEqual(store.batches, [1, 8, 4, 12, 2])
    }

    func testABatchIsBoundedInBytesToo() async {
        let store = FakeIngestStore()
        var limits = AppendLimits()
        (limits.writers, limits.batchBytesMax) = (1, 5)
        await held(store, limits) { queue, gate in
            // Each payload has two bytes.
            await assertAccepted([1, 1, 1, 4], by: queue) { gate.open() }
        }
        XCTAssertEqual(store.batches, [1, 2, 1, 4])
    }

    func testBesideACommitFewEventsWaitUntilTheyAreAsMany() async {
        let store = FakeIngestStore()
        var limits = AppendLimits()
        (limits.writers, limits.lingerMax) = (3, .seconds(3600))
        await held(store, limits) { queue, gate in
            let two = queue.add(events("two", 2))
            await store.begun(with: 3)
            let few = queue.add(events("few", 2))
            XCTAssertEqual([queue.waitingEvents, store.inFlight], [2, 3])
            let enough = queue.add(events("enough", 1))
            await store.begun(with: 6)
            gate.open()
            for (answer, count) in [(two, 2), (few, 2), (enough, 1)] {
                let accepted = await answer.accepted()
                XCTAssertEqual(accepted, count)
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
            let waiting = queue.add(events("waiting", 2))
            await refused(queue, "behind", .overloaded)
            gate.open()
            let accepted = await waiting.accepted()
            XCTAssertEqual(accepted, 2)
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
            let answers = (0..<20).map { queue.add(events("w\($0)", 1)) }
            XCTAssertEqual(queue.waitingEvents, 20)
            gate.open()
            for answer in answers {
                let rejection = await answer.rejection()
                XCTAssertEqual(rejection, .unavailable)
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
            let bad = queue.add(events("bad", 1))
            let good = (0..<5).map { queue.add(events("good\($0)", 1)) }
            XCTAssertEqual(queue.waitingEvents, 6)
            gate.open()
            let rejection = await bad.rejection()
            XCTAssertEqual(rejection, .unavailable)
            for answer in good {
                let accepted = await answer.accepted()
                XCTAssertEqual(accepted, 1)
            }
        }
        XCTAssertEqual(store.events.count, 6)
    }

    func testAStopCommitsWhatWaitsAndRefusesLaterDeliveries() async {
        let store = FakeIngestStore()
        let (stop, gate, entered) = (Latch(), Latch(), Latch())
        store.hold(until: gate, entered: entered)
        var limits = AppendLimits()
        (limits.writers, limits.batchEventsMax) = (2, 10)
        let queue = makeQueue(store, limits)
        async let run: Void = queue.run(until: stop)
        let answers = (0..<50).map { queue.add(events("s\($0)", 1)) }
        await entered.wait()
        XCTAssertGreaterThanOrEqual(queue.waitingEvents, 30)
        stop.open()
        gate.open()
        for answer in answers {
            let accepted = await answer.accepted()
            XCTAssertEqual(accepted, 1)
        }
        await run
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
            let inFlight = queue.add(events("in flight", 1))
            await entered.wait()
            let waiting = queue.add(events("waiting", 1))
            XCTAssertEqual(queue.waitingEvents, 1)
            cancellation.open()
            let rejection = await waiting.rejection()
            XCTAssertEqual(rejection, .unavailable)
            gate.open()
            let accepted = await inFlight.accepted()
            XCTAssertEqual(accepted, 1)
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
        let first = queue.add(events("holding", 1))
        await entered.wait()
        await body(queue, gate)
        _ = await first.result()
    }
}

/// Adds deliveries of these sizes, in this order, and asserts that they wait until `release`, and
/// that each is accepted then.
private func assertAccepted(
    _ sizes: [Int], by queue: AppendQueue, after release: () -> Void, line: UInt = #line
) async {
    let answers = sizes.enumerated().map { queue.add(events("e\($0)", $1)) }
    XCTAssertEqual(queue.waitingEvents, sizes.reduce(0, +), line: line)
    release()
    for (answer, size) in zip(answers, sizes) {
        let accepted = await answer.accepted()
        XCTAssertEqual(accepted, size, line: line)
    }
}

/// The answer to one delivery.
private struct DeliveryAnswer: Sendable {
    let results: AsyncStream<Result<Receipt, Rejection>>

    func result() async -> Result<Receipt, Rejection>? { await results.first { _ in true } }

    /// Returns the number of accepted events, or nil if the delivery was refused.
    func accepted() async -> Int? { try? await result()?.get().accepted }

    func rejection() async -> Rejection? {
        if case .failure(let rejection) = await result() { rejection } else { nil }
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
    /// Adds the events before it returns.
    fileprivate func add(_ events: [NewEvent]) -> DeliveryAnswer {
        let (results, answered) = AsyncStream.makeStream(of: Result<Receipt, Rejection>.self)
        append(events) { result in
            answered.yield(result)
            answered.finish()
        }
        return DeliveryAnswer(results: results)
    }

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
