import CEpoll
import Glibc

/// Answers every request of a known size with 202 and does nothing else. The rate that the load
/// generator reaches against it is the generator's own limit. It has one thread and one epoll.
struct TrivialServer {
    private static let answer = Array(
        """
        HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n\
        {"events":1}
        """.utf8)

    let port: Int
    let requestBytes: Int

    /// Serves until the process ends. It returns only if it cannot listen.
    func run() {
        let listener = listeningSocket()
        let poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard listener >= 0, poller >= 0, watch(listener, on: poller) else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var slots = [epoll_event](repeating: epoll_event(), count: 256)
        var received: [Int32: Int] = [:]
        while true {
            let count = epoll_wait(poller, &slots, Int32(slots.count), -1)
            for slot in 0..<max(0, Int(count)) {
                let descriptor = slots[slot].data.fd
                if descriptor == listener {
                    let socket = accept(listener, nil, nil)
                    if socket >= 0 { _ = watch(socket, on: poller) }
                } else {
                    serve(descriptor, buffer, &received)
                }
            }
        }
    }

    private func serve(
        _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, _ received: inout [Int32: Int]
    ) {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        guard count > 0 else {
            received[descriptor] = nil
            close(descriptor)
            return
        }
        var total = received[descriptor, default: 0] + count
        while total >= requestBytes {
            total -= requestBytes
            _ = send(descriptor, Self.answer, Self.answer.count, Int32(MSG_NOSIGNAL))
        }
        received[descriptor] = total
    }

    private func watch(_ descriptor: Int32, on poller: Int32) -> Bool {
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(fd: descriptor))
        return epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0
    }

    private func listeningSocket() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
        var address = LoopbackAddress(port: port)
        let bound = address.withPointer { bind(descriptor, $0, $1) }
        return bound == 0 && listen(descriptor, 1024) == 0 ? descriptor : -1
    }
}
