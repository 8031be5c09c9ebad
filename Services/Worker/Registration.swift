import Models
import Runtime
import Store
import Synchronization

/// This worker's own lease, in whose name it holds lanes. Renewed in good time; when it could not
/// be, the worker stops calling vendors by its own clock before anybody else takes its lanes.
final class Registration: Sendable {
    private struct State {
        var worker: WorkerID
        /// Of its leases: see `Store.reclaim`.
        var generation: Int64 = 0
        var deadline: ContinuousClock.Instant
    }

    private let state: Mutex<State>
    private let store: Store
    private let name: String
    private let ttlSeconds: Double
    private let log: Log
    private let clock = ContinuousClock()

    init(store: Store, name: String, ttlSeconds: Double, log: Log) async throws(StoreError) {
        // The time before the request counts: the database may have started the lease then.
        let asked = ContinuousClock.now
        let worker = try await store.register(name: name, ttlSeconds: ttlSeconds)
        state = Mutex(State(worker: worker, deadline: asked + .seconds(ttlSeconds)))
        self.store = store
        self.name = name
        self.ttlSeconds = ttlSeconds
        self.log = log
    }

    var worker: WorkerID { claim.worker }

    /// In whose name lanes are leased.
    var claim: (worker: WorkerID, generation: Int64) {
        state.withLock { ($0.worker, $0.generation) }
    }

    /// In whose name lanes are reclaimed; the claim from then on.
    func nextClaim() -> (worker: WorkerID, generation: Int64) {
        state.withLock { state in
            state.generation += 1
            return (state.worker, state.generation)
        }
    }

    /// Whether a call may start: the lease is good for long enough to notice in time when it is
    /// not.
    func isEntitled(as worker: WorkerID) -> Bool {
        state.withLock { state in
            state.worker == worker && clock.now + .seconds(ttlSeconds / 6) < state.deadline
        }
    }

    /// Renews until told to stop, then gives everything back. What failed is tried again at once,
    /// on another connection: there is time for that.
    func keep(until stop: Latch) async {
        var isRenewed = true
        while !(await stop.wait(atMost: .seconds(ttlSeconds / (isRenewed ? 3 : 60)))) {
            isRenewed = await renew()
        }
        do throws(StoreError) {
            try await store.retire(worker)
        } catch {
            log.warning("could not retire; the leases will expire", ["reason": "\(error)"])
        }
    }

    /// - Returns: false if it is not known whether it was renewed.
    func renew() async -> Bool {
        let (asked, worker) = (clock.now, worker)
        do throws(StoreError) {
            try await store.renew(
                worker, ttlSeconds: ttlSeconds, deadlineSeconds: ttlSeconds / 6)
            state.withLock { $0.deadline = asked + .seconds(ttlSeconds) }
            return true
        } catch .lostLease {
            await registerAnew()
            return true
        } catch {
            log.warning("could not renew the lease", ["reason": "\(error)"])
            return false
        }
    }

    /// Whatever this process held is somebody else's now: it goes on as a new worker.
    func registerAnew() async {
        let asked = clock.now
        do throws(StoreError) {
            let worker = try await store.register(name: name, ttlSeconds: ttlSeconds)
            state.withLock { state in
                state = State(worker: worker, deadline: asked + .seconds(ttlSeconds))
            }
            log.warning("the lease was lost; registered anew", ["worker": "\(worker)"])
        } catch {
            log.warning("could not register", ["reason": "\(error)"])
        }
    }
}
