import Runtime
import Store

/// What any worker may do for all: take over the lanes of workers that died, clean up after lanes
/// and our own writes, make partitions ahead and drop old ones. Several may do it at once.
struct Maintenance: Sendable {
    let store: Store
    let limits: WorkerLimits
    let log: Log

    func run(until stop: Latch) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await rescue(until: stop) }
            group.addTask { await clean(until: stop) }
            group.addTask { await maintain(until: stop) }
        }
    }

    private func rescue(until stop: Latch) async {
        let seconds = limits.leaseSeconds / 3
        while !(await stop.wait(atMost: .seconds(Double.random(in: seconds / 2...seconds)))) {
            do throws(StoreError) {
                let rescued = try await store.rescue()
                if rescued > 0 { log.warning("rescued lanes", ["lanes": .number(Double(rescued))]) }
            } catch {
                log.warning("could not look for expired workers", ["reason": "\(error)"])
            }
        }
    }

    private func clean(until stop: Latch) async {
        while !(await stop.wait(atMost: .seconds(Double.random(in: 5...10)))) {
            do throws(StoreError) {
                if try await store.cleanLanes() { log.debug("cleaned the lanes") }
                _ = try await store.forgetWrites()
            } catch {
                log.warning("could not clean up", ["reason": "\(error)"])
            }
        }
    }

    private func maintain(until stop: Latch) async {
        repeat {
            do throws(StoreError) {
                let done = try await store.maintain(Retention(logDays: limits.retentionDays))
                for segment in done.segmentsDropped {
                    log.info("dropped a day of the log", ["segment": "\(segment)"])
                }
                for segment in done.segmentsBusy {
                    log.info("a day of the log is in use", ["segment": "\(segment)"])
                }
                if done.lanesExpired > 0 {
                    log.warning(
                        "events of connections that are off went with their days",
                        ["lanes": .integer(done.lanesExpired)])
                }
            } catch {
                log.warning("could not maintain the log", ["reason": "\(error)"])
            }
        } while !(await stop.wait(atMost: .seconds(Double.random(in: 1800...3600))))
    }
}
