import CEpoll
import Glibc
import Synchronization

/// Messages from other threads to the event loop. Each wakes the loop.
final class EventLoopInbox: Sendable {
    enum Shutdown: Sendable {
        case none
        case drain
        case immediate
    }

    struct Contents: Sendable {
        fileprivate(set) var answers: [HandlerResponse] = []
        fileprivate(set) var shutdown = Shutdown.none
    }

    /// Readable if a message has arrived since the last `take()`.
    let descriptor: Int32
    private let contents = Mutex(Contents())

    init() throws(HTTPServerError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard descriptor >= 0 else { throw .descriptorsExhausted(errno: errno) }
    }

    deinit {
        close(descriptor)
    }

    func post(_ answer: HandlerResponse) {
        let wasEmpty = contents.withLock { contents in
            contents.answers.append(answer)
            return contents.answers.count == 1
        }
        if wasEmpty { wake() }
    }

    func requestShutdown(_ shutdown: Shutdown) {
        contents.withLock { contents in
            if case .immediate = contents.shutdown { return }
            contents.shutdown = shutdown
        }
        wake()
    }

    /// Takes the answers; a requested shutdown stays requested.
    func take() -> Contents {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
        return contents.withLock { contents in
            defer { contents.answers = [] }
            return contents
        }
    }

    private func wake() {
        eventfd_write(descriptor, 1)
    }
}
