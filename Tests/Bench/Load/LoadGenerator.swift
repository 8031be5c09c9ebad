import CEpoll
import Glibc

/// What a load came to.
struct LoadResult {
    /// From when a request was due until its answer was read whole. In a closed loop it is due when
    /// it is sent.
    var latency = Histogram()
    /// From when it was sent, without its wait for a free connection.
    var service = Histogram()
    var answers: [Int: Int] = [:]
    /// The numbers of the requests that were answered 202, also after the end.
    var accepted: [Int] = []
    /// Answers of 503 that did not say when to come again.
    var unhelpful = 0
    /// Connections that broke with a request under way.
    var broken = 0
    /// Requests that were due and could not be sent before the end.
    var unsent = 0
    var seconds = 0.0

    var answered: Int { answers.values.reduce(0, +) }

    func perSecond(_ status: Int) -> Double { Double(answers[status] ?? 0) / seconds }
}

enum Pace {
    /// Every connection sends its next request when it has read the answer to the last.
    case closed
    /// Requests are due at times that do not depend on answers. One that finds every connection
    /// busy waits, and its wait counts: no coordinated omission.
    case open(ratePerSecond: Double)
}

enum LoadError: Error {
    case refused(port: Int)
    case noPoller
}

/// One thread, one epoll, keep-alive connections. It blocks the thread that it is called on.
final class LoadGenerator<Source: RequestSource> {
    private let connections: [LoadConnection]
    private let poller: Int32
    private let source: Source
    private let slots = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)

    private var idle: [Int] = []
    private var busy = 0
    private var result = LoadResult()
    private var onAnswer: (_ number: Int, _ at: UInt64) -> Void = { _, _ in }
    /// The number that the next request gets; no number is sent twice.
    private(set) var nextNumber: Int

    init(
        port: Int, connections: Int, requests source: Source, firstNumber: Int = 0
    ) throws(LoadError) {
        self.source = source
        nextNumber = firstNumber
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard poller >= 0 else { throw .noPoller }
        let template = source.template
        self.connections = (0..<connections).map { _ in LoadConnection(port: port, template: template) }
        for index in self.connections.indices where !open(index) { throw .refused(port: port) }
    }

    deinit {
        close(poller)
        slots.deallocate()
    }

    /// - Parameters:
    ///   - countMax: ends earlier, when so many requests were sent.
    ///   - onAnswer: a request's number, and when its answer was read, by the monotonic clock.
    func run(
        _ pace: Pace, seconds: Double, countMax: Int = .max,
        onAnswer: @escaping (_ number: Int, _ at: UInt64) -> Void = { _, _ in }
    ) -> LoadResult {
        result = LoadResult()
        self.onAnswer = onAnswer
        // Whatever the server closed since the last run is opened again.
        read(until: 0)
        let start = monotonicNanoseconds()
        let end = start + nanoseconds(seconds)
        let last = countMax == .max ? Int.max : nextNumber + countMax
        switch pace {
        case .closed: runClosed(until: end, last)
        case .open(let rate):
            runOpen(PoissonArrivals(ratePerSecond: rate, from: start), until: end, last)
        }
        result.seconds = Double(monotonicNanoseconds() - start) / 1e9
        drain()
        return result
    }

    private func runClosed(until end: UInt64, _ last: Int) {
        while true {
            let now = monotonicNanoseconds()
            if now >= end || nextNumber >= last { return }
            while nextNumber < last, let index = idle.popLast() { send(on: index, dueAt: now) }
            read(until: end)
        }
    }

    private func runOpen(_ schedule: PoissonArrivals, until end: UInt64, _ last: Int) {
        var arrivals = schedule
        var waiting: [UInt64] = []
        var firstWaiting = 0
        while true {
            let now = monotonicNanoseconds()
            if now >= end || nextNumber >= last { break }
            while arrivals.next <= now {
                waiting.append(arrivals.next)
                arrivals.advance()
            }
            while firstWaiting < waiting.count, let index = idle.popLast() {
                send(on: index, dueAt: waiting[firstWaiting])
                firstWaiting += 1
            }
            if firstWaiting == waiting.count {
                waiting.removeAll(keepingCapacity: true)
                firstWaiting = 0
            }
            read(until: min(end, arrivals.next))
        }
        result.unsent = waiting.count - firstWaiting
    }

    /// What is under way is still answered, within reason. It counts for latency, not for the rate.
    private func drain() {
        let counted = result
        let end = monotonicNanoseconds() + nanoseconds(5)
        while busy > 0, monotonicNanoseconds() < end { read(until: end) }
        result.broken += busy
        lateAnswers = result.answered - counted.answered
        result.answers = counted.answers
    }

    /// Answers that came after the end of the last run.
    private(set) var lateAnswers = 0

    private func send(on index: Int, dueAt: UInt64) {
        let number = nextNumber
        nextNumber += 1
        let isSent = connections[index].send(
            source, number: number, dueAt: dueAt, at: monotonicNanoseconds())
        if isSent {
            busy += 1
        } else {
            result.broken += 1
            reopen(index)
        }
    }

    /// Waits for answers no longer than until then, and takes them.
    private func read(until end: UInt64) {
        let now = monotonicNanoseconds()
        let patience = end > now ? end - now : 0
        var timeout = timespec(
            tv_sec: Int(patience / 1_000_000_000), tv_nsec: Int(patience % 1_000_000_000))
        let count = epoll_pwait2(poller, slots.baseAddress, Int32(slots.count), &timeout, nil)
        for slot in 0..<max(0, Int(count)) { take(Int(slots[slot].data.u32)) }
    }

    private func take(_ index: Int) {
        let connection = connections[index]
        let wasBusy = connection.isBusy
        switch connection.receive() {
        case .incomplete: return
        case .answered(let status, let saysWhen):
            let now = monotonicNanoseconds()
            busy -= 1
            if status == 202 { result.accepted.append(connection.number) }
            if status == 503, !saysWhen { result.unhelpful += 1 }
            result.answers[status, default: 0] += 1
            result.latency.record(nanoseconds: now - min(now, connection.dueAt))
            result.service.record(nanoseconds: now - min(now, connection.sentAt))
            onAnswer(connection.number, now)
            idle.append(index)
        case .broken:
            if wasBusy {
                busy -= 1
                result.broken += 1
            }
            reopen(index)
        }
    }

    private func reopen(_ index: Int) {
        idle.removeAll { $0 == index }
        // A connection that cannot be had is missing from here on; the rate will show it.
        _ = open(index)
    }

    private func open(_ index: Int) -> Bool {
        guard connections[index].connect() else { return false }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u32: UInt32(index)))
        guard epoll_ctl(poller, EPOLL_CTL_ADD, connections[index].descriptor, &event) == 0 else {
            return false
        }
        idle.append(index)
        return true
    }
}
