import Models
import Runtime
import Store

/// Gives each lane of a lease its turn, all at the same time.
struct LaneRunner: Sendable {
    let runtimes: ConnectionRuntimes
    let store: Store
    let recorder: EffectRecorder
    let registration: Registration
    let limits: WorkerLimits
    /// Opens when the worker stops: runner then end at the next call.
    let stopping: Latch
    /// Opens when a stop has no more time: runner then end in the middle of a call.
    let cutOff = Latch()
    let log: Log

    func take(
        _ lanes: [LeasedLane], as worker: WorkerID,
        finished: @escaping @Sendable (LaneSettlement) -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { group in
                    for (connection, lanes) in Dictionary(grouping: lanes, by: \.connection) {
                        group.addTask {
                            await take(lanes, of: connection, as: worker, finished: finished)
                        }
                    }
                }
            }
            group.addTask { await cutOff.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    private func take(
        _ lanes: [LeasedLane], of connection: ConnectionID, as worker: WorkerID,
        finished: @escaping @Sendable (LaneSettlement) -> Void
    ) async {
        guard let runtime = runtimes[connection] else {
            for lane in lanes { finished(lane.unconfigured) }
            return
        }
        do throws(StoreError) {
            let jobs = lanes.map { $0.jobs.map(ReadJob.init) }
            let context = try await LaneContext(
                of: zip(lanes, jobs).map { ($0.id, $1) }, in: connection, from: store)
            await withDiscardingTaskGroup { group in
                for (lane, jobs) in zip(lanes, jobs) {
                    group.addTask {
                        finished(await turn(of: lane, jobs, at: runtime, context, worker))
                    }
                }
            }
        } catch where error.isPermanent && lanes.count > 1 {
            // What cannot be read of one lane must not keep the others.
            await withDiscardingTaskGroup { group in
                for lane in lanes {
                    group.addTask {
                        await take([lane], of: connection, as: worker, finished: finished)
                    }
                }
            }
        } catch {
            log.warning("could not look around", ["reason": "\(error)"])
            for lane in lanes { finished(lane.postponed(because: error)) }
        }
        if let seconds = runtime.vendors.closedSeconds { await block(connection, seconds) }
    }

    /// Nothing at all can be done: until then its lanes need not even be looked at.
    private func block(_ connection: ConnectionID, _ seconds: Double) async {
        do throws(StoreError) {
            try await store.block(connection, forSeconds: seconds)
        } catch {
            log.warning("could not block the connection", ["reason": "\(error)"])
        }
    }

    private func turn(
        of lane: LeasedLane, _ jobs: [ReadJob], at runtime: ConnectionRuntime,
        _ context: LaneContext,
        _ worker: WorkerID
    ) async -> LaneSettlement {
        var turn = LaneRun(
            of: lane, jobs, at: runtime, context: context,
            ledger: EffectLog(store: store, recorder: recorder, lane: lane),
            attemptsMax: limits.attemptsMax,
            mayContinue: { !stopping.isOpen && registration.isEntitled(as: worker) })
        return await turn.run()
    }
}

extension LeasedLane {
    /// Its connection is switched off or not known to this worker yet: the events wait.
    fileprivate var unconfigured: LaneSettlement {
        let cause = Cause(
            .liaison, code: "unconfigured", message: "the connection is switched off or not known")
        return LaneSettlement(
            fence: fence, settlements: [],
            next: .retry(afterSeconds: 10, refundsAttempt: true, because: cause))
    }

    /// No attempt is spent: nothing was tried. What cannot be read will not be better in a second.
    fileprivate func postponed(because error: StoreError) -> LaneSettlement {
        let seconds: Double = error.isPermanent ? 30 : 1
        let cause = Cause(.liaison, code: "database", message: "\(error)")
        return LaneSettlement(
            fence: fence, settlements: [],
            next: .retry(afterSeconds: seconds, refundsAttempt: true, because: cause))
    }
}
