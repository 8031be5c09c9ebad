import Automation
import Models
import Runtime
import Store

/// Keeps this worker's slots filled: settles what is finished and leases what is due, both in one
/// exchange with the database, and gives each lane its turn.
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
    let mailbox = Mailbox<LoopEvent>()
    let runner: LaneRunner

    /// Somebody appended something: look at once.
    func notify() { mailbox.put(.notified) }

    func run(until stop: Latch) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await stop.wait()
                runner.stopping.open()
                mailbox.put(.stop)
            }
            group.addTask { await poll(until: stop) }
            var slots = LaneSlots(lanesMax: limits.lanesMax, settlementsMax: limits.settlementsMax)
            // Cancelled: leases expire by themselves.
            while !Task.isCancelled {
                switch slots.next() {
                case .wait:
                    slots.take(await mailbox.take())
                case .reclaim(let known):
                    await reclaim(known, &slots)
                case .exchange(let settling, let lanesMax):
                    let claim = registration.claim
                    let lanes = await exchange(settling, lanesMax, claim, &slots)
                    if lanes.isEmpty { continue }
                    group.addTask {
                        await runner.take(lanes, as: claim.worker) { mailbox.put(.finished($0)) }
                    }
                case .finished:
                    return
                }
            }
        }
    }

    private func exchange(
        _ settling: [LaneSettlement], _ lanesMax: Int,
        _ claim: (worker: WorkerID, generation: Int64), _ slots: inout LaneSlots
    ) async -> [LeasedLane] {
        let began = ContinuousClock.now
        var room = slots.room
        for connection in runner.runtimes.unreadable { room.ofConnections[connection] = 0 }
        do throws(StoreError) {
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
                log.warning("lost a lease", ["lane": "\(fence.lane)", "epoch": "\(fence.epoch)"])
            }
            slots.leased(lease.lanes, asked: lanesMax)
            return lease.lanes
        } catch .lostLease {
            // The lanes were rescued under a new epoch; what was to be settled would not be let in.
            metrics.expired(settling)
            await registration.registerAnew()
            slots.notified()
            return []
        } catch where error.isPermanent && !settling.isEmpty {
            log.error("settlements were refused", ["reason": "\(error)"])
            slots.failed(await settleAlone(settling))
            return []
        } catch {
            slots.failed(settling)
            await pause(after: error)
            return []
        }
    }

    /// What the database refuses of one lane must not keep the others: that one is put off, with
    /// its attempt counted, so that its event comes to an end. Should that be refused as well, the
    /// lane is forgotten here and reclaimed.
    ///
    /// - Returns: what is owed still, when the database does not answer.
    private func settleAlone(_ settlements: [LaneSettlement]) async -> [LaneSettlement] {
        for (place, settlement) in settlements.enumerated() {
            do throws(StoreError) {
                do throws(StoreError) {
                    try await settle(settlement)
                } catch where error.isPermanent {
                    try await settle(settlement.refused(because: error))
                }
            } catch where error.isPermanent {
                log.error(
                    "a settlement was refused",
                    ["lane": "\(settlement.fence.lane)", "reason": "\(error)"])
            } catch {
                await pause(after: error)
                return Array(settlements[place...])
            }
        }
        return []
    }

    private func settle(_ settlement: LaneSettlement) async throws(StoreError) {
        let began = ContinuousClock.now
        let lost = try await store.settle([settlement])
        metrics.exchanged(
            [settlement], Lease(lanes: [], lost: lost), took: ContinuousClock.now - began)
    }

    /// Without it, lanes that were leased by an exchange whose answer never came would stay with a
    /// worker that lives and does not know of them.
    private func reclaim(_ known: [Fence], _ slots: inout LaneSlots) async {
        do throws(StoreError) {
            let claim = registration.nextClaim()
            let lanes = try await store.reclaim(
                for: claim.worker, keeping: known, generation: claim.generation)
            if lanes > 0 { log.warning("gave lanes back", ["lanes": .integer(lanes)]) }
            slots.reclaimed()
        } catch {
            await pause(after: error)
        }
    }

    private func pause(after error: StoreError) async {
        log.error("the database did not do its part", ["reason": "\(error)"])
        await Latch().wait(atMost: .seconds(Double.random(in: 0.1...0.5)))
    }

    /// The fallback for lost notifications, and what notices due retries. Jitter keeps workers
    /// apart.
    private func poll(until stop: Latch) async {
        let pauses = (limits.pollSeconds / 2)...(limits.pollSeconds * 3 / 2)
        while !(await stop.wait(atMost: .seconds(Double.random(in: pauses)))) {
            mailbox.put(.notified)
        }
    }
}

extension LaneSettlement {
    fileprivate func refused(because error: StoreError) -> LaneSettlement {
        let seconds = Backoff.seconds(
            attempt: settlements.first?.attempt ?? 1, jitter: Double.random(in: 0..<1))
        let cause = Cause(.liaison, code: "defect", message: error.description)
        return LaneSettlement(
            fence: fence, settlements: [],
            next: .retry(afterSeconds: seconds, refundsAttempt: false, because: cause))
    }
}

extension LeaseLoop.LoopEvent {
    var settlement: LaneSettlement? {
        if case .finished(let settlement) = self { settlement } else { nil }
    }
}

extension LaneSlots {
    fileprivate mutating func take(_ letters: [LeaseLoop.LoopEvent]) {
        finished(letters.compactMap(\.settlement))
        for letter in letters {
            switch letter {
            case .finished: break
            case .notified: notified()
            case .stop: stop()
            }
        }
    }
}
