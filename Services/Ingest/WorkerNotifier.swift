import Runtime

/// Notifies the workers of new work, at most every 20 ms and never within the commit itself, where
/// it would halve the throughput (Queue.md 9).
final class WorkerNotifier: Sendable {
    private static let interval = Duration.milliseconds(20)

    private let requests: AsyncStream<Void>
    private let request: AsyncStream<Void>.Continuation
    private let store: IngestStore
    private let log: Log

    init(store: IngestStore, log: Log) {
        self.store = store
        self.log = log
        // One notification is enough for many requests: a worker leases whatever is due.
        (requests, request) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func requestNotification() { request.yield() }

    func run(until stop: Latch) async {
        await withDiscardingTaskGroup { group in
            group.addTask { [request] in
                await stop.wait()
                request.finish()
            }
            for await _ in requests {
                do { try await store.notify() } catch {
                    log.debug(
                        "notification of the workers failed; they poll",
                        ["reason": "\(error)"])
                }
                await stop.wait(atMost: Self.interval)
            }
        }
    }
}
