/// The next step of a ``BatchQueue``'s owner after a change.
public enum BatchSignal: Equatable, Sendable {
    case none
    /// The owner lets one runner call ``BatchQueue/take(after:at:)``. Requests that arrive until
    /// then join its batch. There is no second `start` before that call.
    case start
    /// The owner calls ``BatchQueue/check(at:)`` after this time.
    case checkAgain(after: Duration)
}

/// The number of an announced request.
public struct BatchAnnouncement: Hashable, Sendable {
    fileprivate let number: Int
}

/// Requests that wait, and the decision which of them travel together and when. A pure state
/// machine: it does no I/O, reads no clock and holds no continuation of its own.
///
/// With no call under way a request starts one at once, so a request alone never waits. Beside
/// another call a few requests would cost as much as many: they wait until they are as many as
/// those under way, or until ``BatchLimits/lingerMax`` has passed.
public struct BatchQueue<Request> {
    private struct Waiting {
        let request: Request
        let size: BatchSize
        let group: AnyHashable?
        let identity: AnyHashable?
        let arrivedAt: ContinuousClock.Instant
    }

    /// The announced requests that the next call waits for.
    private struct Gathering {
        var awaited: Set<BatchAnnouncement>
        let until: ContinuousClock.Instant
    }

    private let limits: BatchLimits
    private var waiting: [Waiting] = []
    public private(set) var waitingSize = BatchSize.zero
    private var calls = 0
    private var callsSize = BatchSize.zero
    /// A `start` was given and no runner has taken a batch since.
    private var isStarting = false
    /// The time of the next `check` that was asked for.
    private var checkAt: ContinuousClock.Instant?
    private var announcements = 0
    private var announced: Set<BatchAnnouncement> = []
    private var gathering: Gathering?
    private var isDraining = false

    public init(limits: BatchLimits) { self.limits = limits }

    public var isEmpty: Bool { waiting.isEmpty }
    /// The calls that were taken and have not ended.
    public var callsUnderWay: Int { calls }
    /// The oldest request, which is part of the next batch.
    public var first: Request? { waiting.first?.request }

    /// The time for which the oldest request has waited.
    public func waited(at now: ContinuousClock.Instant) -> Duration {
        waiting.first.map { now - $0.arrivedAt } ?? .zero
    }

    /// - Parameters:
    ///   - group: requests of one call have equal groups.
    ///   - identity: no two requests of one call have the same identity; nil equals no other.
    ///   - announcement: the announcement that this request answers.
    public mutating func add(
        _ request: Request, size: BatchSize = .one, group: AnyHashable? = nil,
        identity: AnyHashable? = nil, announcement: BatchAnnouncement? = nil,
        at now: ContinuousClock.Instant
    ) -> BatchSignal {
        waiting.append(
            Waiting(
                request: request, size: size, group: group, identity: identity, arrivedAt: now))
        waitingSize = waitingSize + size
        if let announcement { resolve(announcement) }
        return signal(at: now)
    }

    /// Takes the oldest requests that may travel together, in the order of their arrival. The batch
    /// is empty when no call is worth making yet.
    ///
    /// - Parameter ended: the size of the batch whose call this runner has just made.
    public mutating func take(
        after ended: BatchSize? = nil, at now: ContinuousClock.Instant
    ) -> (batch: [Request], size: BatchSize, signal: BatchSignal) {
        if let ended { forget(ended) }
        isStarting = false
        guard calls < limits.callsMax, isWorthACall(at: now) else {
            return ([], .zero, signal(at: now))
        }
        gathering = nil
        let (batch, size) = removeBatch()
        calls += 1
        callsSize = callsSize + size
        return (batch, size, signal(at: now))
    }

    /// Notes that the call of a batch of this size has ended.
    public mutating func end(_ size: BatchSize, at now: ContinuousClock.Instant) -> BatchSignal {
        forget(size)
        return signal(at: now)
    }

    public mutating func check(at now: ContinuousClock.Instant) -> BatchSignal {
        if let due = checkAt, due <= now { checkAt = nil }
        return signal(at: now)
    }

    /// Announces a request: calls that have not begun wait for it, up to
    /// ``BatchLimits/gatherMax``.
    public mutating func announce() -> BatchAnnouncement {
        announcements += 1
        let announcement = BatchAnnouncement(number: announcements)
        announced.insert(announcement)
        return announcement
    }

    /// Takes an announcement back. Does nothing after the request has arrived.
    public mutating func withdraw(
        _ announcement: BatchAnnouncement, at now: ContinuousClock.Instant
    ) -> BatchSignal {
        resolve(announcement)
        return signal(at: now)
    }

    /// Lets no request wait for others from now on.
    public mutating func drain(at now: ContinuousClock.Instant) -> BatchSignal {
        isDraining = true
        return signal(at: now)
    }

    /// Removes every request that waits.
    public mutating func removeAll() -> [Request] {
        defer { (waiting, waitingSize, isStarting) = ([], .zero, false) }
        return waiting.map(\.request)
    }
}

extension BatchQueue {
    private mutating func signal(at now: ContinuousClock.Instant) -> BatchSignal {
        guard !isStarting, calls < limits.callsMax, !waiting.isEmpty else { return .none }
        if gathering == nil, !announced.isEmpty {
            gathering = Gathering(awaited: announced, until: now.advanced(by: limits.gatherMax))
        }
        if isWorthACall(at: now) {
            isStarting = true
            return .start
        }
        let due = nextChange(after: now)
        if let checkAt, checkAt <= due { return .none }
        checkAt = due
        return .checkAgain(after: due - now)
    }

    private func isWorthACall(at now: ContinuousClock.Instant) -> Bool {
        if waiting.isEmpty { return false }
        if isDraining { return true }
        return !isGathering(at: now)
            && (waitingSize.count >= min(callsSize.count, limits.sizeMax.count)
                || waited(at: now) >= limits.lingerMax)
    }

    private func isGathering(at now: ContinuousClock.Instant) -> Bool {
        guard let gathering, !gathering.awaited.isEmpty else { return false }
        return now < gathering.until && waitingSize.count < limits.sizeMax.count
    }

    /// The time at which a call may be worth making although nothing arrives.
    private func nextChange(after now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        if isGathering(at: now), let gathering { return gathering.until }
        return now.advanced(by: limits.lingerMax - waited(at: now))
    }

    private mutating func forget(_ size: BatchSize) {
        calls -= 1
        callsSize = callsSize - size
    }

    private mutating func resolve(_ announcement: BatchAnnouncement) {
        announced.remove(announcement)
        gathering?.awaited.remove(announcement)
    }

    /// A request that does not fit ends the batch, so that no smaller one overtakes it; a request
    /// of another group, or of an identity that came before, is passed over.
    private mutating func removeBatch() -> (batch: [Request], size: BatchSize) {
        var batch: [Request] = []
        var left: [Waiting] = []
        var identities: Set<AnyHashable> = []
        var size = BatchSize.zero
        var end = waiting.startIndex
        for next in waiting {
            let extended = size + next.size
            guard batch.isEmpty || extended.fits(limits.sizeMax) else { break }
            end += 1
            let isFirst = next.identity.map { identities.insert($0).inserted } ?? true
            if isFirst && next.group == waiting[0].group {
                batch.append(next.request)
                size = extended
            } else {
                left.append(next)
            }
        }
        waiting.replaceSubrange(..<end, with: left)
        waitingSize = waitingSize - size
        return (batch, size)
    }
}
