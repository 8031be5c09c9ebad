import Runtime
import Synchronization
import XCTest

final class ServiceGroupTests: XCTestCase {
    private struct Broken: Error {}

    func testServicesStopInReverseOrderEachAfterTheOther() async throws {
        let story = Story()
        let started = [Latch(), Latch(), Latch()]
        let services = started.enumerated().map { index, latch in
            Service("s\(index)") { stop in
                latch.open()
                await stop.wait()
                story.tell("stop \(index)")
                await Task.yield()
                story.tell("end \(index)")
            }
        }
        let stop = Latch()
        let all = group(services)
        async let end: Void = all.run(until: stop)
        for latch in started { await latch.wait() }
        stop.open()
        try await end
        XCTAssertEqual(
            story.lines, ["stop 2", "end 2", "stop 1", "end 1", "stop 0", "end 0"])
    }

    func testAFailingServiceStopsAllAndIsNamed() async {
        let story = Story()
        let steady = Service("steady") { stop in
            await stop.wait()
            story.tell("stopped")
        }
        let failing = Service("failing") { _ in throw Broken() }
        await refuse([steady, failing], "failing failed: Broken()")
        XCTAssertEqual(story.lines, ["stopped"])
    }

    func testAServiceThatReturnsBeforeAStopIsAFailure() async {
        let steady = Service("steady") { stop in await stop.wait() }
        await refuse([Service("short") { _ in }, steady], "short ended without being stopped")
    }

    func testAServiceThatDoesNotStopInTimeIsCancelled() async throws {
        let story = Story()
        let stubborn = Service("stubborn") { stop in
            await stop.wait()
            await Latch().wait()
            story.tell("cancelled: \(Task.isCancelled)")
        }
        let stop = Latch()
        stop.open()
        try await group([stubborn], grace: .milliseconds(10)).run(until: stop)
        XCTAssertEqual(story.lines, ["cancelled: true"])
    }

    private func refuse(_ services: [Service], _ reason: String, line: UInt = #line) async {
        do {
            try await group(services).run(until: Latch())
            XCTFail("ended without a failure", line: line)
        } catch {
            XCTAssertEqual("\(error)", reason, line: line)
        }
    }

    private func group(_ services: [Service], grace: Duration = .seconds(60)) -> ServiceGroup {
        ServiceGroup(services, grace: grace, log: Log("test", to: LogSink { _ in }))
    }
}

private final class Story: Sendable {
    private let told = Mutex<[String]>([])

    var lines: [String] { told.withLock { $0 } }

    func tell(_ line: String) { told.withLock { $0.append(line) } }
}
