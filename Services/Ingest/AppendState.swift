import Runtime

/// The decisions of ``AppendQueue``. A pure state machine: it does no I/O, reads no clock and holds
/// no continuation. Every method returns what the queue does next.
struct AppendState<Delivery: Sendable> {
    enum AppendAction: Sendable {
        case none
        /// An idle writer asks for a batch. Deliveries that arrive until then join it.
        case wakeWriter
        /// Every idle writer asks for a batch; with none left it ends.
        case wakeAllWriters(refusing: [Delivery])
        /// The queue calls ``check(at:)`` after this time.
        case checkAgain(after: Duration)
        case refuse([Delivery], Rejection)
    }

    /// The answer to a writer that asks for a batch.
    enum WriterAssignment: Sendable {
        case commit([Delivery], size: BatchSize, then: AppendAction)
        /// The writer is idle until it is woken.
        case idle(AppendAction)
        case ended
    }

    private enum Database {
        case available
        /// Deliveries are refused until this moment.
        case away(until: ContinuousClock.Instant)
        /// One delivery was let in to find out if the database is back.
        case onTrial
    }

    private let limits: AppendLimits
    private var batches: BatchQueue<Delivery>
    private var database = Database.available
    /// The time of the last commit that succeeded, and the number of failures since then.
    private var succeededAt: ContinuousClock.Instant?
    private var failures = 0
    private var isClosed = false

    init(limits: AppendLimits) {
        self.limits = limits
        batches = BatchQueue(limits: limits.batches)
    }

    var waitingEvents: Int { batches.waitingSize.count }

    mutating func add(
        _ delivery: Delivery, size: BatchSize, at now: ContinuousClock.Instant
    ) -> AppendAction {
        if isClosed { return .refuse([delivery], .unavailable) }
        guard waitingEvents + size.count <= limits.waitingEventsMax,
            batches.waited(at: now) <= limits.waitMax
        else { return .refuse([delivery], .overloaded) }
        switch database {
        case .available: break
        case .away(let until) where now < until: return .refuse([delivery], .unavailable)
        case .away: database = .onTrial
        case .onTrial: return .refuse([delivery], .unavailable)
        }
        return AppendAction(batches.add(delivery, size: size, at: now))
    }

    /// - Parameter ended: the size of the batch that this writer has had in a commit before.
    mutating func nextBatch(
        after ended: BatchSize?, at now: ContinuousClock.Instant
    ) -> WriterAssignment {
        let (batch, size, signal) = batches.take(after: ended, at: now)
        if !batch.isEmpty { return .commit(batch, size: size, then: AppendAction(signal)) }
        return isClosed && batches.isEmpty ? .ended : .idle(AppendAction(signal))
    }

    mutating func check(at now: ContinuousClock.Instant) -> AppendAction {
        AppendAction(batches.check(at: now))
    }

    mutating func commitSucceeded(at now: ContinuousClock.Instant) {
        database = .available
        (succeededAt, failures) = (now, 0)
    }

    /// Notes that the database did not answer a commit. The failure of one connection is no reason
    /// to refuse the deliveries of others. With no connection left that works, the database is
    /// away, and all who wait are refused: the vendors' deadlines are short, and waiting longer
    /// would not help them.
    ///
    /// - Parameter began: the time at which that commit began.
    mutating func commitFailed(
        since began: ContinuousClock.Instant, at now: ContinuousClock.Instant
    ) -> AppendAction {
        if let succeededAt, succeededAt > began { return .none }
        failures += 1
        guard failures >= limits.writers || batches.callsUnderWay <= 1 || isOnTrial else {
            return .none
        }
        database = .away(until: now.advanced(by: limits.retryPause))
        return .refuse(batches.removeAll(), .unavailable)
    }

    private var isOnTrial: Bool {
        if case .onTrial = database { true } else { false }
    }

    /// Refuses what comes later, and what waits as well if `refusingWaiting`.
    mutating func close(
        refusingWaiting: Bool, at now: ContinuousClock.Instant
    ) -> AppendAction {
        isClosed = true
        let refused = refusingWaiting ? batches.removeAll() : []
        // All writers are woken, whatever the queue asks for.
        _ = batches.drain(at: now)
        return .wakeAllWriters(refusing: refused)
    }
}

extension AppendState.AppendAction {
    fileprivate init(_ signal: BatchSignal) {
        switch signal {
        case .none: self = .none
        case .start: self = .wakeWriter
        case .checkAgain(let pause): self = .checkAgain(after: pause)
        }
    }
}
