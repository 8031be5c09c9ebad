import Models
import Runtime
import Store

/// Runs the lanes of a lease, all at the same time.
struct LaneRunner: Sendable {
    let runtimes: ConnectionRuntimes
    let store: Store
    let recorder: EffectRecorder
    let registration: Registration
    let limits: WorkerLimits
    /// Opens when the worker stops: runs then end at the next call.
    let stopping: Latch
    /// Opens when a stop has no more time: runs then end in the middle of a call.
    let cancelling = Latch()
    let log: Log
    let jitter: Jitter

    func run(
        _ lanes: [LeasedLane], as worker: WorkerID,
        finished: @escaping @Sendable (LaneSettlement) -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { group in
                    for (connection, lanes) in Dictionary(grouping: lanes, by: \.connection) {
                        group.addTask {
                            await run(lanes, of: connection, as: worker, finished: finished)
                        }
                    }
                }
            }
            group.addTask { await cancelling.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    private func run(
        _ lanes: [LeasedLane], of connection: ConnectionID, as worker: WorkerID,
        finished: @escaping @Sendable (LaneSettlement) -> Void
    ) async {
        guard let runtime = runtimes[connection] else {
            for lane in lanes { finished(lane.unconfigured) }
            return
        }
        do {
            let jobs = lanes.map { $0.jobs.map(ReadJob.init) }
            let context = try await LaneContext(
                of: zip(lanes, jobs).map { ($0.id, $1) }, in: connection, from: store)
            await withDiscardingTaskGroup { group in
                for (lane, jobs) in zip(lanes, jobs) {
                    group.addTask {
                        let run = run(of: lane, runtime, as: worker)
                        finished(await run.settlement(of: jobs, in: context))
                    }
                }
            }
        } catch where error.isPermanent && lanes.count > 1 {
            // One lane whose data cannot be read must not keep the others.
            await withDiscardingTaskGroup { group in
                for lane in lanes {
                    group.addTask {
                        await run([lane], of: connection, as: worker, finished: finished)
                    }
                }
            }
        } catch {
            log.storeFailed(
                "reading of links and effects", error,
                next: "\(lanes.count) lanes of \(connection) are put off")
            for lane in lanes { finished(lane.putOff(because: error)) }
        }
        if let pause = runtime.vendors.closedFor { await block(connection, for: pause) }
    }

    /// Keeps all workers from leasing lanes of a connection neither of whose vendors can be called.
    private func block(_ connection: ConnectionID, for pause: Duration) async {
        do {
            try await store.block(connection, for: min(pause, .seconds(86_400)))
        } catch {
            log.storeFailed(
                "blocking of connection \(connection)", error,
                next: "its lanes are leased and put off one by one")
        }
    }

    private func run(
        of lane: LeasedLane, _ runtime: ConnectionRuntime, as worker: WorkerID
    ) -> LaneRun {
        LaneRun(
            lane: lane, runtime: runtime,
            effectLog: EffectLog(store: store, recorder: recorder, lane: lane, jitter: jitter),
            plan: LanePlan(
                attempts: LaneAttempts(
                    at: lane, attemptsMax: limits.attemptsMax, jitter: jitter)),
            mayContinue: { !stopping.isOpen && registration.mayStartCall(as: worker) })
    }
}

extension LeasedLane {
    /// The events of a connection that is disabled, or not known to this worker yet, wait.
    fileprivate var unconfigured: LaneSettlement {
        let cause = Cause(
            .liaison, code: "unconfigured", message: "the connection is disabled or not known")
        return LaneSettlement(
            fence: fence, settlements: [],
            next: .retry(after: .seconds(10), refundsAttempt: true, because: cause))
    }

    /// Puts the lane off without counting an attempt: nothing was tried. A row that cannot be read
    /// needs a person, so the lane waits longer for it.
    fileprivate func putOff(because error: StoreError) -> LaneSettlement {
        let pause = Duration.seconds(error.isPermanent ? 30 : 1)
        let cause = Cause(.liaison, code: "database", message: "\(error)")
        return LaneSettlement(
            fence: fence, settlements: [],
            next: .retry(after: pause, refundsAttempt: true, because: cause))
    }
}
