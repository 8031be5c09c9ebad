import CCurl
import Glibc
import Synchronization

/// Drives all transfers of a client on one thread. Other threads only fill its inbox; `run()`
/// confines the rest to its thread, hence unchecked.
final class CurlLoop: @unchecked Sendable {
    private struct Inbox {
        var started: [ClientCall] = []
        var cancelled: [UInt64] = []
        var isShutDown = false
        var multiIsGone = false

        var isEmpty: Bool { started.isEmpty && cancelled.isEmpty && !isShutDown }
    }

    private let limits: HTTPClientLimits
    private let multi: UnsafeMutableRawPointer
    private let inbox = Mutex(Inbox())
    private var queue: ClientQueue
    private var transfers: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    /// Handles between two transfers: making one costs more than a small request.
    private var idleHandles: [UnsafeMutableRawPointer] = []
    private static let pollMillisecondsMax: Int32 = 60_000
    /// The interval at which waiting calls are checked for having waited too long.
    private static let waitingPollMillisecondsMax: Int32 = 20

    init(limits: HTTPClientLimits) throws(HTTPClientSetupError) {
        guard curlIsReady, let multi = curl_multi_init() else {
            throw .unavailable(reason: "libcurl does not initialise")
        }
        self.limits = limits
        self.multi = multi
        queue = ClientQueue(limits: limits)
        // The number includes idle connections, of which the oldest is closed. libcurl's own limits
        // of running transfers are not set: a call's time-out would run while it waits in them.
        curl_multi_set_number(multi, CURLMOPT_MAXCONNECTS, limits.connectionsMax)
    }

    func start(_ call: ClientCall) {
        let isTaken = leave { inbox in
            guard !inbox.isShutDown else { return false }
            inbox.started.append(call)
            return true
        }
        if !isTaken { call.end(.failure(.notSent(reason: "the client is shut down"))) }
    }

    /// Cancels a call. Does nothing if it has ended or was never started.
    func cancel(_ id: UInt64) {
        _ = leave { inbox in
            inbox.cancelled.append(id)
            return true
        }
    }

    func shutdown() {
        _ = leave { inbox in
            inbox.isShutDown = true
            return true
        }
    }

    /// Serves until `shutdown()`. Called exactly once.
    func run() {
        blockBrokenPipes()
        while takeInbox() {
            startWaiting()
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            settleFinished()
            expireWaiting()
            startWaiting()
            let timeout = queue.isEmpty ? Self.pollMillisecondsMax : Self.waitingPollMillisecondsMax
            curl_multi_poll(multi, nil, 0, timeout, nil)
        }
        endEverything()
    }

    private func leave(_ change: (inout Inbox) -> Bool) -> Bool {
        inbox.withLock { inbox in
            guard !inbox.multiIsGone else { return false }
            let wasEmpty = inbox.isEmpty
            let isTaken = change(&inbox)
            if isTaken && wasEmpty { curl_multi_wakeup(multi) }
            return isTaken
        }
    }

    /// Returns false after a shutdown.
    private func takeInbox() -> Bool {
        let taken = inbox.withLock { inbox in
            defer {
                inbox.started = []
                inbox.cancelled = []
            }
            return inbox
        }
        for call in taken.started { queue.add(call) }
        for id in taken.cancelled {
            if let call = queue.remove(id) {
                call.end(.failure(.cancelled))
            } else if let transfer = transfers.values.first(where: { $0.call.id == id }) {
                end(transfer, .failure(.cancelled))
            }
        }
        return !taken.isShutDown
    }

    private func startWaiting() {
        while let call = queue.next() {
            guard let easy = idleHandles.popLast() ?? curl_easy_init() else {
                queue.finished(call)
                call.end(.failure(.notSent(reason: "libcurl gives no handle")))
                continue
            }
            let transfer = CurlTransfer(call, on: easy, limits: limits)
            transfers[easy] = transfer
            guard transfer.configure(),
                curl_multi_add_handle(multi, easy) == CURLM_OK
            else {
                end(transfer, .failure(.notSent(reason: "libcurl does not take the request")))
                continue
            }
        }
    }

    private func settleFinished() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE,
                let easy = message.pointee.easy_handle, let transfer = transfers[easy]
            else { continue }
            end(transfer, transfer.outcome(curl_message_result(message)))
        }
    }

    private func expireWaiting() {
        guard !queue.isEmpty else { return }
        let now = monotonicNanoseconds()
        let longest = nanoseconds(limits.waitMax)
        for call in queue.removeAll(where: { $0.arrivedAt + longest <= now }) {
            call.end(.failure(.notBegun(reason: "no connection became free in time")))
        }
    }

    /// Leaves the connection to the next transfer if this one came to its end, else closes it.
    private func end(_ transfer: CurlTransfer, _ outcome: ClientCall.Outcome) {
        curl_multi_remove_handle(multi, transfer.easy)
        curl_easy_reset(transfer.easy)
        transfers[transfer.easy] = nil
        idleHandles.append(transfer.easy)
        queue.finished(transfer.call)
        transfer.call.end(outcome)
    }

    private func endEverything() {
        for transfer in Array(transfers.values) { end(transfer, .failure(.cancelled)) }
        for call in queue.removeAll() { call.end(.failure(.cancelled)) }
        for handle in idleHandles { curl_easy_cleanup(handle) }
        inbox.withLock { inbox in
            inbox.multiIsGone = true
            curl_multi_cleanup(multi)
        }
    }
}

/// Blocks SIGPIPE for this thread: a TLS library may write to a connection that the peer has
/// closed. It is never unblocked, as a pending signal would then end the process.
private func blockBrokenPipes() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
}

/// Initialises libcurl once for the process, before any handle is made.
private let curlIsReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
