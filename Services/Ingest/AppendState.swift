import Models

/// The decisions of ``AppendQueue``: no I/O, no clock. Every method says what the queue has to do.
struct AppendState: Sendable {
    typealias Ticket = AppendQueue.Ticket
    typealias Writer = CheckedContinuation<[Ticket]?, Never>

    enum Entry {
        /// A writer will take it after its present commit.
        case waits
        /// A writer was idle: it commits these at once.
        case handsOver([Ticket], Writer)
        case refused(Rejection)
    }

    enum Turn {
        case batch([Ticket])
        case parked
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
    private var database = Database.answers
    private var isClosed = false

    init(limits: AppendLimits) { self.limits = limits }

    mutating func enter(_ ticket: Ticket, at now: ContinuousClock.Instant) -> Entry {
        if isClosed { return .refused(.unavailable) }
        guard waitingEvents + ticket.events.count <= limits.waitingEventsMax else {
            return .refused(.overloaded)
        }
        switch database {
        case .answers: break
        case .away(let until) where now < until: return .refused(.unavailable)
        case .away: database = .tried
        case .tried: return .refused(.unavailable)
        }
        waiting.append(ticket)
        waitingEvents += ticket.events.count
        guard let writer = idle.popLast() else { return .waits }
        return .handsOver(takeBatch(), writer)
    }

    mutating func takeOrPark(_ writer: Writer) -> Turn {
        if !waiting.isEmpty { return .batch(takeBatch()) }
        if isClosed { return .ended }
        idle.append(writer)
        return .parked
    }

    mutating func databaseAnswered() { database = .answers }

    /// Those who wait are refused with the one that failed: waiting longer would not help them, and
    /// the vendor's deadline is short.
    mutating func databaseAway(at now: ContinuousClock.Instant) -> [Ticket] {
        database = .away(until: now.advanced(by: .seconds(limits.pauseSeconds)))
        return takeAll()
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
        waitingEvents -= batch.reduce(0) { $0 + $1.events.count }
        return batch
    }

    private mutating func takeAll() -> [Ticket] {
        defer { (waiting, waitingEvents) = ([], 0) }
        return waiting
    }
}
