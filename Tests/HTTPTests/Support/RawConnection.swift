import Glibc
import XCTest

/// A blocking client socket that sends literal bytes. Every wait is bounded by a watchdog far
/// above what a test needs, so that a server which never answers fails the test.
final class RawConnection: @unchecked Sendable {
    struct Answer: Equatable {
        var status: Int
        var head: String
        var body: String

        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").dropFirst().compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return parts.first?.lowercased() == name.lowercased()
                    ? parts.last?.trimmingPrefix(" ").description : nil
            }.first
        }
    }

    enum Ending: Equatable {
        case closed
        case reset
        case stillOpen
    }

    static let watchdogSeconds = 30
    let descriptor: Int32
    private var received: [UInt8] = []

    /// Returns nil if the port is closed.
    init?(port: Int, receiveBufferBytes: Int32? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var bytes = receiveBufferBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, 4)
        }
        var watchdog = timeval(tv_sec: Self.watchdogSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &watchdog, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &watchdog, size)
        var address = loopback(port: port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { return nil }
    }

    /// Takes over an accepted socket.
    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Returns true if the kernel took all of it.
    @discardableResult
    func send(_ text: String) -> Bool {
        send(Array(text.utf8))
    }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    func finishSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// The next answer, delimited by its `Content-Length`; `nil` if the connection ends before.
    func answer(toHead: Bool = false) -> Answer? {
        guard let head = take(until: "\r\n\r\n"),
            let status = head.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        var answer = Answer(status: status, head: head, body: "")
        let length = answer.header("Content-Length").flatMap { Int($0) } ?? 0
        guard !toHead, length > 0 else { return answer }
        while received.count < length {
            guard receive() == nil else { return nil }
        }
        answer.body = String(decoding: received.prefix(length), as: UTF8.self)
        received.removeFirst(length)
        return answer
    }

    /// Everything up to the end of the connection, and how it ended.
    func rest() -> (text: String, ending: Ending) {
        while true {
            if let ending = receive() {
                defer { received = [] }
                return (String(decoding: received, as: UTF8.self), ending)
            }
        }
    }

    /// Sends the bytes one at a time, each as soon as nothing has come back for a moment, until the
    /// server ends it. Whether it did, before the bytes ran out.
    func dripsUntilAnswered(_ bytes: some Sequence<UInt8>) -> Bool {
        for byte in bytes {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if Glibc.poll(&poll, 1, 5) > 0 { return true }
            if !send([byte]) { return true }
        }
        return false
    }

    /// Takes one byte at a time, slowly, until the server gives up. `nil` when it has sent all.
    func sipsUntilEnded(bytesMax: Int) -> Ending? {
        var byte: UInt8 = 0
        for _ in 0..<bytesMax {
            var poll = pollfd(fd: descriptor, events: Int16(peerHasFinished), revents: 0)
            if Glibc.poll(&poll, 1, 5) > 0 { return rest().ending }
            if recv(descriptor, &byte, 1, 0) <= 0 { return .reset }
        }
        return nil
    }

    func take(until separator: String) -> String? {
        let separator = Array(separator.utf8)
        while true {
            if let end = firstRange(of: separator) {
                defer { received.removeFirst(end) }
                return String(decoding: received.prefix(end), as: UTF8.self)
            }
            guard receive() == nil else { return nil }
        }
    }

    private func firstRange(of separator: [UInt8]) -> Int? {
        guard received.count >= separator.count else { return nil }
        for start in 0...(received.count - separator.count)
        where received[start...].starts(with: separator) {
            return start + separator.count
        }
        return nil
    }

    private func receive() -> Ending? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 {
            received += buffer.prefix(count)
            return nil
        }
        if count == 0 { return .closed }
        return errno == EAGAIN ? .stillOpen : .reset
    }
}

/// POLLRDHUP, which Swift's Glibc module lacks.
private let peerHasFinished: Int32 = 0x2000

func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}
