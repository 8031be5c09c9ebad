import Models
import Runtime
import Store
import Synchronization

/// This worker's own lease, in whose name it holds lanes. If it cannot be renewed, the worker stops
/// calling vendors, by its own clock, before another worker takes its lanes.
final class Registration: Sendable {
    /// The name in which lanes are leased.
    struct Claim: Equatable, Sendable {
        var worker: WorkerID
        /// Counts reclaims: an exchange of an earlier generation leases nothing (`Store.reclaim`).
        var generation: Int64 = 0
    }

    private struct WorkerLease {
        var claim: Claim
        var deadline: ContinuousClock.Instant
    }

    private let lease: Mutex<WorkerLease>
    private let store: Store
    private let name: String
    private let duration: Duration
    private let log: Log
    private let clock = ContinuousClock()

    /// - Parameter duration: the time after which a lease that is not renewed expires.
    init(store: Store, name: String, duration: Duration, log: Log) async throws(StoreError) {
        // The time before the request counts: the database may have started the lease then.
        let asked = ContinuousClock.now
        let worker = try await store.register(name: name, ttl: duration)
        lease = Mutex(WorkerLease(claim: Claim(worker: worker), deadline: asked + duration))
        self.store = store
        self.name = name
        self.duration = duration
        self.log = log
    }

    var worker: WorkerID { claim.worker }

    var claim: Claim { lease.withLock { $0.claim } }

    /// The claim in whose name lanes are reclaimed; it is the claim from then on.
    func nextClaim() -> Claim {
        lease.withLock { lease in
            lease.claim.generation += 1
            return lease.claim
        }
    }

    /// True if a call may start in this worker's name. A sixth of the lease must be left, so that
    /// its end is noticed in time.
    func mayStartCall(as worker: WorkerID) -> Bool {
        lease.withLock { lease in
            lease.claim.worker == worker && clock.now + duration / 6 < lease.deadline
        }
    }

    /// Renews the lease until the worker stops, then gives everything back. After a failure it
    /// tries again soon, on another connection: there is time for that.
    func keep(until stop: Latch) async {
        var isRenewed = true
        while !(await stop.wait(atMost: isRenewed ? duration / 3 : retryPause)) {
            isRenewed = await renew()
        }
        do {
            try await store.retire(worker)
        } catch {
            log.storeFailed("retirement of the worker", error, next: "its leases expire")
        }
    }

    private var retryPause: Duration { duration / 60 }

    /// - Returns: false if it is unknown whether the lease was renewed.
    func renew() async -> Bool {
        let (asked, worker) = (clock.now, worker)
        do {
            try await store.renew(
                worker, ttl: duration, timeout: duration / 6)
            lease.withLock { $0.deadline = asked + duration }
            return true
        } catch .lostLease {
            await registerAgain()
            return true
        } catch {
            log.storeFailed(
                "renewal of the worker's lease", error, next: "retrying in \(retryPause.text)")
            return false
        }
    }

    /// The lease expired and other workers have its lanes: this process goes on as a new worker.
    func registerAgain() async {
        let asked = clock.now
        do {
            let worker = try await store.register(name: name, ttl: duration)
            lease.withLock { lease in
                lease = WorkerLease(claim: Claim(worker: worker), deadline: asked + duration)
            }
            log.warning(
                "the worker's lease had expired; registered again", ["worker": "\(worker)"])
        } catch {
            log.storeFailed(
                "registration", error,
                next: "no lane is leased before the worker is registered")
        }
    }
}
