import CEpoll
import Glibc

/// The answers to a load and their times.
struct LoadResult {
    /// The time between the moment when a request was due and the end of its answer. A request of a
    /// closed loop is due when it is sent.
    var latency = Histogram()
    /// The time between sending a request and the end of its answer. The wait for a free connection
    /// is not part of it.
    var service = Histogram()
    /// The number of answers by status.
    var answers: [Int: Int] = [:]
    /// The numbers of the requests that were answered 202, also after the end.
    var accepted: [Int] = []
    /// Answers with status 503 and without `Retry-After`.
    var withoutRetryAfter = 0
    /// Connections that the server closed while a request was under way.
    var broken = 0
    /// Requests that were due and could not be sent before the end.
    var unsent = 0
    var duration = Duration.zero

    var answered: Int { answers.values.reduce(0, +) }

    func perSecond(_ status: Int) -> Double { Double(answers[status] ?? 0) / duration.seconds }
}

enum Pace {
    /// Every connection sends its next request after it has read the answer to the one before.
    case closed
    /// Requests are due at times that do not depend on answers. A request that finds every
    /// connection busy waits, and its wait counts: no coordinated omission.
    case open(ratePerSecond: Double)
}

enum LoadError: Error, CustomStringConvertible {
    case connectionRefused(port: Int)
    case epollFailed(errno: Int32)

    var description: String {
        switch self {
        case .connectionRefused(let port): "port \(port) of 127.0.0.1 accepts no connection"
        case .epollFailed(let code): "epoll_create1 failed: \(String(cString: strerror(code)))"
        }
    }
}

/// Sends requests on keep-alive connections with one epoll. It blocks the calling thread.
final class LoadGenerator<Source: RequestSource> {
    private let connections: [LoadConnection]
    private let poller: Int32
    private let source: Source
    private let slots = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)

    private var idle: [Int] = []
    private var busy = 0
    private var result = LoadResult()
    private var onAnswer: (_ number: Int, _ at: UInt64) -> Void = { _, _ in }
    /// The number of the next request. No number is sent twice.
    private(set) var nextNumber: Int

    init(
        port: Int, connections: Int, requests source: Source, firstNumber: Int = 0
    ) throws(LoadError) {
        self.source = source
        nextNumber = firstNumber
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard poller >= 0 else { throw .epollFailed(errno: errno) }
        let template = source.template
        self.connections = (0..<connections).map { _ in
            LoadConnection(port: port, template: template)
        }
        for index in self.connections.indices where !open(index) {
            throw .connectionRefused(port: port)
        }
    }

    deinit {
        close(poller)
        slots.deallocate()
    }

    /// - Parameters:
    ///   - countMax: the run ends earlier after this many requests.
    ///   - onAnswer: takes a request's number and the monotonic nanoseconds when its answer ended.
    func run(
        _ pace: Pace, for duration: Duration, countMax: Int = .max,
        onAnswer: @escaping (_ number: Int, _ at: UInt64) -> Void = { _, _ in }
    ) -> LoadResult {
        result = LoadResult()
        self.onAnswer = onAnswer
        // Reopens the connections that the server closed since the last run.
        read(until: 0)
        let start = monotonicNanoseconds()
        let end = start + duration.nanoseconds
        let last = countMax == .max ? Int.max : nextNumber + countMax
        switch pace {
        case .closed: runClosed(until: end, last)
        case .open(let rate):
            runOpen(PoissonArrivals(ratePerSecond: rate, from: start), until: end, last)
        }
        result.duration = .nanoseconds(Int64(monotonicNanoseconds() - start))
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

    /// Waits up to 5 s for the requests under way. They count for the latency, not for the rate.
    private func drain() {
        let counted = result
        let end = monotonicNanoseconds() + Duration.seconds(5).nanoseconds
        while busy > 0, monotonicNanoseconds() < end { read(until: end) }
        result.broken += busy
        lateAnswers = result.answered - counted.answered
        result.answers = counted.answers
    }

    /// Answers that were read after the end of the last run.
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

    /// Waits for answers until `end` at most, and takes them.
    private func read(until end: UInt64) {
        let now = monotonicNanoseconds()
        let rest = end > now ? end - now : 0
        var timeout = timespec(
            tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
        let count = epoll_pwait2(poller, slots.baseAddress, Int32(slots.count), &timeout, nil)
        for slot in 0..<max(0, Int(count)) { take(Int(slots[slot].data.u32)) }
    }

    private func take(_ index: Int) {
        let connection = connections[index]
        let wasBusy = connection.isBusy
        switch connection.receive() {
        case .incomplete: return
        case .answered(let status, let hasRetryAfter):
            let now = monotonicNanoseconds()
            busy -= 1
            if status == 202 { result.accepted.append(connection.number) }
            if status == 503, !hasRetryAfter { result.withoutRetryAfter += 1 }
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
        // A connection that cannot be opened is missing from here on; the rate shows it.
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
