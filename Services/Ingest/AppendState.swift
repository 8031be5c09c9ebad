import Models

/// The decisions of ``AppendQueue``: no I/O, no clock. Every method says what the queue has to do.
struct AppendState: Sendable {
    typealias Ticket = AppendQueue.Ticket
    typealias Writer = CheckedContinuation<Turn, Never>

    enum Entry {
        /// A writer will take it.
        case waits
        /// This writer was idle and has to look what there is. What comes until it does, it takes
        /// as well.
        case wakes(Writer)
        case refused(Rejection)
    }

    enum Turn {
        case batch([Ticket])
        /// The writer was woken.
        case look
        case ended
    }

    /// What is known of the database.
    private enum Database {
        case answers
        /// Nobody is let in before that moment.
        case away(until: ContinuousClock.Instant)
        /// One delivery was let in to see whether the database is back.
        case tried
    }

    private let limits: AppendLimits
    private var waiting: [Ticket] = []
    private(set) var waitingEvents = 0
    private var idle: [Writer] = []
    /// Commits that are under way, and the events in them.
    private var commits = 0
    private var committingEvents = 0
    /// A writer was woken and has not looked yet.
    private var isWaking = false
    /// Somebody will call `look`.
    private var isLookComing = false
    /// When a commit succeeded last, and how many have failed since.
    private var answeredAt: ContinuousClock.Instant?
    private var failures = 0
    private var database = Database.answers
    private var isClosed = false

    init(limits: AppendLimits) { self.limits = limits }

    mutating func enter(_ ticket: Ticket) -> Entry {
        if isClosed { return .refused(.unavailable) }
        guard waitingEvents + ticket.events.count <= limits.waitingEventsMax,
            waited(until: ticket.arrivedAt) <= .seconds(limits.waitSecondsMax)
        else {
            return .refused(.overloaded)
        }
        switch database {
        case .answers: break
        case .away(let until) where ticket.arrivedAt < until: return .refused(.unavailable)
        case .away: database = .tried
        case .tried: return .refused(.unavailable)
        }
        waiting.append(ticket)
        waitingEvents += ticket.events.count
        return wake(at: ticket.arrivedAt).map(Entry.wakes) ?? .waits
    }

    /// - Parameter committed: how many events this writer has had in a commit since it last asked.
    /// - Returns: `nil` when there is nothing to do; the writer will be woken.
    mutating func takeOrPark(
        _ writer: Writer, committed: Int, at now: ContinuousClock.Instant
    ) -> Turn? {
        if committed > 0 { commits -= 1 }
        committingEvents -= committed
        isWaking = false
        if isWorthACommit(at: now) { return .batch(takeBatch()) }
        if isClosed, waiting.isEmpty { return .ended }
        idle.append(writer)
        return nil
    }

    /// In how long `look` must be called, because an idle writer may then be worth waking although
    /// nobody comes; to be asked after each change. `nil` while there is no need.
    mutating func nextLook(at now: ContinuousClock.Instant) -> Duration? {
        guard !isLookComing, !isWaking, !idle.isEmpty, !waiting.isEmpty else { return nil }
        isLookComing = true
        return .seconds(limits.lingerSecondsMax) - waited(until: now)
    }

    /// The writer that was idle and has to look what there is.
    mutating func look(at now: ContinuousClock.Instant) -> Writer? {
        isLookComing = false
        return wake(at: now)
    }

    private mutating func wake(at now: ContinuousClock.Instant) -> Writer? {
        guard !isWaking, isWorthACommit(at: now), let writer = idle.popLast() else { return nil }
        isWaking = true
        return writer
    }

    /// With nothing under way everything is. Beside another commit, a few events would cost as much
    /// as many: they wait for its end, or until they are as many, but not for one that hangs.
    private func isWorthACommit(at now: ContinuousClock.Instant) -> Bool {
        !waiting.isEmpty
            && (isClosed || waitingEvents >= min(committingEvents, limits.batchEventsMax)
                || waited(until: now) >= .seconds(limits.lingerSecondsMax))
    }

    /// How long the first in the row waits.
    private func waited(until now: ContinuousClock.Instant) -> Duration {
        waiting.first.map { now - $0.arrivedAt } ?? .zero
    }

    mutating func databaseAnswered(at now: ContinuousClock.Instant) {
        database = .answers
        (answeredAt, failures) = (now, 0)
    }

    /// A commit failed. What befell one connection is no reason to refuse anybody else; when none
    /// is left that works, the database is away. Those who wait are refused then: waiting longer
    /// would not help them, and the vendor's deadline is short.
    ///
    /// - Parameter began: when that commit did.
    /// - Returns: who is refused beside those whose commit it was.
    mutating func failed(
        since began: ContinuousClock.Instant, at now: ContinuousClock.Instant
    ) -> [Ticket] {
        if let answeredAt, answeredAt > began { return [] }
        failures += 1
        guard failures >= limits.writers || commits <= 1 || isTried else { return [] }
        database = .away(until: now.advanced(by: .seconds(limits.pauseSeconds)))
        return takeAll()
    }

    private var isTried: Bool {
        if case .tried = database { true } else { false }
    }

    mutating func close(refusingWaiting: Bool) -> (idle: [Writer], refused: [Ticket]) {
        isClosed = true
        defer { idle = [] }
        return (idle, refusingWaiting ? takeAll() : [])
    }

    /// Whole deliveries from the front, as many as fit; the first one in any case.
    private mutating func takeBatch() -> [Ticket] {
        var (events, bytes) = (0, 0)
        let fitting = waiting.prefix { ticket in
            events += ticket.events.count
            bytes += ticket.payloadBytes
            return events <= limits.batchEventsMax && bytes <= limits.batchBytesMax
        }
        let count = max(1, fitting.count)
        let batch = Array(waiting.prefix(count))
        waiting.removeFirst(batch.count)
        let taken = batch.eventCount
        waitingEvents -= taken
        commits += 1
        committingEvents += taken
        return batch
    }

    private mutating func takeAll() -> [Ticket] {
        defer { (waiting, waitingEvents) = ([], 0) }
        return waiting
    }
}

extension [AppendQueue.Ticket] {
    var eventCount: Int { reduce(0) { $0 + $1.events.count } }
}
