import Automation
import Models
import Runtime
import Store

/// Keeps this worker's slots filled: settles what is finished and leases what is due, both in one
/// exchange with the database, and starts the runs of the leased lanes.
struct LeaseLoop: Sendable {
    enum LoopEvent: Sendable {
        case finished(LaneSettlement)
        case notified
        case stop
    }

    let store: Store
    let registration: Registration
    let limits: WorkerLimits
    let metrics: WorkerMetrics
    let log: Log
    let jitter: Jitter
    let inbox = LoopInbox<LoopEvent>()
    let runner: LaneRunner

    private static let retryPause: ClosedRange<Duration> = .milliseconds(100)...(.milliseconds(500))

    /// Events were appended: look for due lanes at once.
    func notify() { inbox.add(.notified) }

    func run(until stop: Latch) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await stop.wait()
                runner.stopping.open()
                inbox.add(.stop)
            }
            group.addTask { await poll(until: stop) }
            var slots = LaneSlots(lanesMax: limits.lanesMax, settlementsMax: limits.settlementsMax)
            // The leases expire by themselves after a cancellation.
            while !Task.isCancelled {
                switch slots.next() {
                case .wait:
                    slots.apply(await inbox.takeAll())
                case .pause(let duration):
                    await Latch().wait(atMost: duration)
                case .reclaim(let known):
                    await reclaim(known, &slots)
                case .exchange(let settling, let lanesMax):
                    let claim = registration.claim
                    let lanes = await exchange(settling, lanesMax, claim, &slots)
                    if lanes.isEmpty { continue }
                    group.addTask {
                        await runner.run(lanes, as: claim.worker) { inbox.add(.finished($0)) }
                    }
                case .finish:
                    return
                }
            }
        }
    }

    private func exchange(
        _ settling: [LaneSettlement], _ lanesMax: Int, _ claim: Registration.Claim,
        _ slots: inout LaneSlots
    ) async -> [LeasedLane] {
        let began = ContinuousClock.now
        var room = slots.room
        for connection in runner.runtimes.unreadable { room.ofConnections[connection] = 0 }
        do {
            let limits = LeaseLimits(
                lanesMax: lanesMax, room: room, jobsPerLaneMax: limits.jobsPerLaneMax)
            let lease =
                lanesMax > 0
                ? try await store.lease(
                    for: claim.worker, generation: claim.generation, limits: limits,
                    settling: settling)
                : Lease(lanes: [], lost: try await store.settle(settling))
            metrics.exchanged(settling, lease, took: ContinuousClock.now - began)
            for fence in lease.lost {
                log.warning(
                    "settlement came too late: another worker has the lane",
                    ["lane": "\(fence.lane)", "epoch": "\(fence.epoch)"])
            }
            slots.leased(lease.lanes, asked: lanesMax)
            return lease.lanes
        } catch .lostLease {
            // The lanes have a new epoch: the database would refuse their settlements.
            metrics.expired(settling)
            await registration.registerAgain()
            slots.notified()
        } catch where error.isPermanent && !settling.isEmpty {
            let retry = await settleOneByOne(settling)
            slots.failed(retry.owed, pause: retry.pause)
        } catch {
            slots.failed(settling, pause: pause(after: "lease", error))
        }
        return []
    }

    /// The database refuses the settlement of one lane: the others are settled without it. The
    /// refused lane is put off, with its attempt counted, so that its event comes to an end. If the
    /// database refuses that as well, the lane is forgotten here and reclaimed.
    ///
    /// - Returns: what is still owed if the database does not answer, and how long to wait then.
    private func settleOneByOne(
        _ settlements: [LaneSettlement]
    ) async -> (owed: [LaneSettlement], pause: Duration?) {
        for (place, settlement) in settlements.enumerated() {
            do {
                try await settleOrPutOff(settlement)
            } catch where error.isPermanent {
                log.storeFailed(
                    "settlement of lane \(settlement.fence.lane)", error,
                    next: "the lane is given back", level: .error)
            } catch {
                return (Array(settlements[place...]), pause(after: "settlement", error))
            }
        }
        return ([], nil)
    }

    private func settleOrPutOff(_ settlement: LaneSettlement) async throws(StoreError) {
        do {
            try await settle(settlement)
        } catch where error.isPermanent {
            let wait = Backoff.delay(
                attempt: settlement.settlements.first?.attempt ?? 1, jitter: jitter.unit())
            log.storeFailed(
                "settlement of lane \(settlement.fence.lane)", error,
                next: "the lane is tried again in \(wait.text)", level: .error)
            try await settle(settlement.putOff(for: wait, because: error))
        }
    }

    private func settle(_ settlement: LaneSettlement) async throws(StoreError) {
        let began = ContinuousClock.now
        let lost = try await store.settle([settlement])
        metrics.exchanged(
            [settlement], Lease(lanes: [], lost: lost), took: ContinuousClock.now - began)
    }

    /// Gives back lanes that were leased by an exchange whose answer never came: they would stay
    /// with a worker that lives and does not know of them.
    private func reclaim(_ known: [Fence], _ slots: inout LaneSlots) async {
        do {
            let claim = registration.nextClaim()
            let lanes = try await store.reclaim(
                for: claim.worker, keeping: known, generation: claim.generation)
            if lanes > 0 {
                log.warning(
                    "lanes given back: the answer to their lease was lost",
                    ["lanes": .integer(lanes)])
            }
            slots.reclaimed()
        } catch {
            slots.reclaimFailed(pause: pause(after: "reclaim", error))
        }
    }

    private func pause(after operation: String, _ error: StoreError) -> Duration {
        let pause = jitter.duration(in: Self.retryPause)
        log.storeFailed(operation, error, next: "retrying in \(pause.text)", level: .error)
        return pause
    }

    /// Notices due retries, and events whose notification was lost. Jitter keeps workers apart.
    private func poll(until stop: Latch) async {
        let intervals = (limits.pollInterval / 2)...(limits.pollInterval * 3 / 2)
        while !(await stop.wait(atMost: jitter.duration(in: intervals))) {
            inbox.add(.notified)
        }
    }
}

extension LaneSettlement {
    fileprivate func putOff(for pause: Duration, because error: StoreError) -> LaneSettlement {
        let cause = Cause(.liaison, code: "defect", message: error.description)
        return LaneSettlement(
            fence: fence, settlements: [],
            next: .retry(after: pause, refundsAttempt: false, because: cause))
    }
}

extension LeaseLoop.LoopEvent {
    fileprivate var settlement: LaneSettlement? {
        if case .finished(let settlement) = self { settlement } else { nil }
    }
}

extension LaneSlots {
    fileprivate mutating func apply(_ events: [LeaseLoop.LoopEvent]) {
        finished(events.compactMap(\.settlement))
        for event in events {
            switch event {
            case .finished: break
            case .notified: notified()
            case .stop: stop()
            }
        }
    }
}
