import Runtime
import Store

/// Work that any worker does for all: it takes over the lanes of workers that died, cleans up after
/// lanes and our own writes, makes partitions ahead and drops old ones. Several may do it at once.
struct Maintenance: Sendable {
    let store: Store
    let limits: WorkerLimits
    let log: Log
    let jitter: Jitter

    private static let cleaningInterval: ClosedRange<Duration> = .seconds(5)...(.seconds(10))
    private static let partitionsInterval: ClosedRange<Duration> = .seconds(1800)...(.seconds(3600))

    func run(until stop: Latch) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await releaseExpiredLanes(until: stop) }
            group.addTask { await clean(until: stop) }
            group.addTask { await keepPartitions(until: stop) }
        }
    }

    private func releaseExpiredLanes(until stop: Latch) async {
        let interval = (limits.leaseDuration / 6)...(limits.leaseDuration / 3)
        while !(await stop.wait(atMost: jitter.duration(in: interval))) {
            do {
                let lanes = try await store.rescue()
                if lanes > 0 {
                    log.warning("took lanes from expired workers", ["lanes": .integer(lanes)])
                }
            } catch {
                log.storeFailed("search for expired workers", error, next: Self.next)
            }
        }
    }

    private func clean(until stop: Latch) async {
        while !(await stop.wait(atMost: jitter.duration(in: Self.cleaningInterval))) {
            do {
                if try await store.cleanLanes() { log.debug("cleaned the table of lanes") }
                _ = try await store.deleteExpiredWrites()
            } catch {
                log.storeFailed("cleaning of lanes and journal", error, next: Self.next)
            }
        }
    }

    private func keepPartitions(until stop: Latch) async {
        repeat {
            do {
                let done = try await store.maintain(Retention(logDays: limits.retentionDays))
                for segment in done.segmentsDropped {
                    log.info("dropped a day of the log", ["segment": "\(segment)"])
                }
                for segment in done.segmentsBusy {
                    log.info(
                        "a day of the log is in use and stays for now", ["segment": "\(segment)"])
                }
                if done.lanesExpired > 0 {
                    log.warning(
                        "waiting events of disabled connections were dropped with their days",
                        ["lanes": .integer(done.lanesExpired)])
                }
            } catch {
                log.storeFailed("maintenance of the log's partitions", error, next: Self.next)
            }
        } while !(await stop.wait(atMost: jitter.duration(in: Self.partitionsInterval)))
    }

    private static let next = "this or another worker tries again"
}
