import Glibc

/// Accepts, reads, times and writes every connection on one thread. `run()` confines it to that
/// thread; other threads reach it through its inbox only, hence unchecked.
final class EventLoop: @unchecked Sendable {
    enum Token {
        static let inbox: UInt64 = 0
        static let listener: UInt64 = 1
        static let firstConnection: UInt64 = 2
    }

    let limits: HTTPServerLimits
    let admit: @Sendable (HTTPRequestHead) -> HTTPAdmission
    let refused: @Sendable (HTTPRefusedRequest) -> Void
    let inbox: EventLoopInbox
    let exchanges: AsyncStream<Exchange>.Continuation
    let poller: Poller
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 32 << 10, alignment: 16)

    var listener: ListeningSocket?
    var listenerRests = false
    var connections: [UInt64: ClientConnection] = [:]
    var nextToken = Token.firstConnection
    var handlersRunning = 0
    var bufferedBytes = 0
    var isDraining = false
    var now = monotonicNanoseconds()
    private var date = (text: "", expires: UInt64(0))
    private var nextSweep: UInt64 = 0
    private static let sweepNanoseconds: UInt64 = 50_000_000

    init(
        listener: consuming ListeningSocket, inbox: EventLoopInbox, limits: HTTPServerLimits,
        admit: @escaping @Sendable (HTTPRequestHead) -> HTTPAdmission,
        refused: @escaping @Sendable (HTTPRefusedRequest) -> Void,
        exchanges: AsyncStream<Exchange>.Continuation
    ) throws(HTTPServerError) {
        self.limits = limits
        self.admit = admit
        self.refused = refused
        self.inbox = inbox
        self.exchanges = exchanges
        self.poller = try Poller()
        guard poller.add(inbox.descriptor, token: Token.inbox, .read),
            poller.add(listener.descriptor, token: Token.listener, .read)
        else { throw .descriptorsExhausted(errno: errno) }
        self.listener = consume listener
    }

    deinit {
        scratch.deallocate()
    }

    /// Returns when a shutdown was requested and the last connection has ended.
    func run() {
        while !isDraining || !connections.isEmpty {
            let count = poller.wait(timeoutMilliseconds: timeoutMilliseconds)
            now = monotonicNanoseconds()
            for index in 0..<count { handle(poller.readiness(at: index)) }
            if now >= nextSweep { sweep() }
        }
    }

    /// The time to the next check of all deadlines. A pass over all connections twenty times a
    /// second costs less than a timer for each.
    private var timeoutMilliseconds: Int32 {
        if connections.isEmpty && !listenerRests { return -1 }
        return nextSweep <= now ? 0 : Int32((nextSweep - now) / 1_000_000) + 1
    }

    private func sweep() {
        nextSweep = now + Self.sweepNanoseconds
        if listenerRests {
            listenerRests = false
            setListenerInterest(.read)
        }
        for connection in connections.values where now >= connection.deadline {
            expire(connection)
        }
    }

    private func handle(_ readiness: Poller.Readiness) {
        switch readiness.token {
        case Token.inbox:
            readInbox()
        case Token.listener:
            acceptWaiting()
        case let token:
            guard let connection = connections[token] else { return }
            if readiness.isBroken {
                close(connection)
            } else if readiness.isWritable {
                flush(connection)
                advance(connection)
            } else if readiness.isReadable {
                readAvailable(connection)
            }
        }
    }

    private func readInbox() {
        let contents = inbox.take()
        for answer in contents.answers { deliver(answer) }
        switch contents.shutdown {
        case .none: break
        case .drain: drain()
        case .immediate: abandon()
        }
    }

    /// The value of `Date`, formatted once a second, not once an answer.
    func currentDate() -> String {
        if now >= date.expires {
            date = (httpDate(secondsSince1970: time(nil)), now + 1_000_000_000)
        }
        return date.text
    }

    func deadline(after timeout: Duration) -> UInt64 {
        now + nanoseconds(timeout)
    }

    func setListenerInterest(_ interest: Poller.Interest) {
        guard let descriptor = listener?.descriptor else { return }
        poller.modify(descriptor, token: Token.listener, interest)
    }
}
