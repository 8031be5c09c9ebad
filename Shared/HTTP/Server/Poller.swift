import CEpoll
import Glibc

/// An epoll instance, level-triggered. A token names what an event belongs to; tokens are never
/// reused, so a late event of a closed descriptor is not taken for one of its successor.
struct Poller: ~Copyable {
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let read = Interest(rawValue: EPOLLIN.rawValue)
        static let write = Interest(rawValue: EPOLLOUT.rawValue)
    }

    struct Readiness {
        let token: UInt64
        let isReadable: Bool
        let isWritable: Bool
        /// Both directions are gone: a reset, or the peer closed after we had.
        let isBroken: Bool
    }

    private let descriptor: Int32
    private let slots = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)

    init() throws(HTTPServerError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .descriptorsExhausted(errno: errno) }
    }

    deinit {
        close(descriptor)
        slots.deallocate()
    }

    /// Returns false if the kernel's memory or watch limit is used up.
    func add(_ descriptor: Int32, token: UInt64, _ interest: Interest) -> Bool {
        control(EPOLL_CTL_ADD, descriptor, token, interest)
    }

    func modify(_ descriptor: Int32, token: UInt64, _ interest: Interest) {
        _ = control(EPOLL_CTL_MOD, descriptor, token, interest)
    }

    /// The number of events that `readiness(at:)` gives until the next call.
    ///
    /// - Parameter timeoutMilliseconds: negative for ever.
    func wait(timeoutMilliseconds: Int32) -> Int {
        let count = epoll_wait(
            descriptor, slots.baseAddress, Int32(slots.count), timeoutMilliseconds)
        return max(0, Int(count))
    }

    func readiness(at index: Int) -> Readiness {
        let slot = slots[index]
        return Readiness(
            token: slot.data.u64, isReadable: slot.events & EPOLLIN.rawValue != 0,
            isWritable: slot.events & EPOLLOUT.rawValue != 0,
            isBroken: slot.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0)
    }

    private func control(
        _ operation: Int32, _ descriptor: Int32, _ token: UInt64, _ interest: Interest
    ) -> Bool {
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        return epoll_ctl(self.descriptor, operation, descriptor, &event) == 0
    }
}
