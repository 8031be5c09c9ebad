import Runtime

/// Tells the workers of new work, at most every 20 ms and never within the commit itself, where it
/// would halve the throughput (Queue.md 9).
final class WorkerNotifier: Sendable {
    private static let interval = Duration.milliseconds(20)

    private let rings: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation
    private let store: IngestStore
    private let log: Log

    init(store: IngestStore, log: Log) {
        self.store = store
        self.log = log
        // Many rings are one: the workers look for all there is.
        (rings, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func requestNotification() { bell.yield() }

    func run(until stop: Latch) async {
        await withDiscardingTaskGroup { group in
            group.addTask { [bell] in
                await stop.wait()
                bell.finish()
            }
            for await _ in rings {
                do { try await store.notify() } catch {
                    log.debug("workers not notified", ["reason": "\(error)"])
                }
                await stop.wait(atMost: Self.interval)
            }
        }
    }
}
