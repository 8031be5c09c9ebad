import CEpoll
import Glibc

/// A keep-alive connection of the load generator, with at most one request under way.
final class LoadConnection {
    enum Reading {
        case incomplete
        case answered(status: Int, hasRetryAfter: Bool)
        case broken
    }

    private(set) var descriptor: Int32 = -1
    private var address: LoopbackAddress
    private let request: UnsafeMutableRawBufferPointer
    private let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
    private var answered = 0
    /// The number of the request under way, when it was due, and when it was sent.
    private(set) var number = 0
    private(set) var dueAt: UInt64 = 0
    private(set) var sentAt: UInt64 = 0
    var isBusy = false

    init(port: Int, template: [UInt8]) {
        address = LoopbackAddress(port: port)
        request = .allocate(byteCount: template.count, alignment: 16)
        request.copyBytes(from: template)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        request.deallocate()
        answer.deallocate()
    }

    /// - Returns: true if the server accepted the connection.
    func connect() -> Bool {
        if descriptor >= 0 { close(descriptor) }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_INET, kind, 0)
        var on: Int32 = 1
        setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        let connected = address.withPointer { Glibc.connect(descriptor, $0, $1) }
        isBusy = false
        return connected == 0
    }

    /// Sends without waiting: a request is smaller than the socket's buffer, which is empty now.
    /// - Returns: true if the kernel took the whole request.
    func send(_ requests: some RequestSource, number: Int, dueAt: UInt64, at now: UInt64) -> Bool {
        requests.stamp(number, onto: request)
        (self.number, self.dueAt, answered, isBusy) = (number, dueAt, 0, true)
        sentAt = now
        let flags = Int32(MSG_NOSIGNAL)
        return Glibc.send(descriptor, request.baseAddress, request.count, flags) == request.count
    }

    func receive() -> Reading {
        let room = UnsafeMutableRawBufferPointer(rebasing: answer[answered...])
        let count = recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return .incomplete }
        guard count > 0, isBusy else { return .broken }
        answered += count
        guard let head = AnswerHead(UnsafeRawBufferPointer(rebasing: answer[..<answered])) else {
            return answered == answer.count ? .broken : .incomplete
        }
        guard answered >= head.byteCount + head.contentLength else { return .incomplete }
        isBusy = false
        return .answered(status: head.status, hasRetryAfter: head.hasRetryAfter)
    }
}

/// The parts of an answer's head that say where the answer ends.
struct AnswerHead {
    let status: Int
    let byteCount: Int
    let contentLength: Int
    /// True if a 503 has a `Retry-After`. Other statuses are not searched for it.
    let hasRetryAfter: Bool

    /// Returns nil until the head is complete. This project's servers never answer in chunks.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 12, let end = Self.end(of: bytes) else { return nil }
        byteCount = end
        status = Self.digits(bytes, at: 9)
        contentLength =
            Self.field("content-length:", of: bytes, before: end).map {
                Self.digits(bytes, at: $0)
            } ?? 0
        hasRetryAfter =
            status == 503 && Self.field("retry-after:", of: bytes, before: end) != nil
    }

    private static func end(of bytes: UnsafeRawBufferPointer) -> Int? {
        var place = 3
        while place < bytes.count {
            if bytes[place] == 10, bytes[place - 1] == 13, bytes[place - 2] == 10 {
                return place + 1
            }
            place += 1
        }
        return nil
    }

    /// The index of the first byte of the field's value.
    private static func field(
        _ name: StaticString, of bytes: UnsafeRawBufferPointer, before end: Int
    ) -> Int? {
        var line = 0
        while line + name.utf8CodeUnitCount < end {
            var same = 0
            while same < name.utf8CodeUnitCount,
                bytes[line + same] | 0x20 == name.utf8Start[same] | 0x20
            { same += 1 }
            if same == name.utf8CodeUnitCount { return line + same }
            while line < end, bytes[line] != 10 { line += 1 }
            line += 1
        }
        return nil
    }

    private static func digits(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
        var place = start
        while place < bytes.count, bytes[place] == 0x20 { place += 1 }
        var number = 0
        while place < bytes.count, (0x30...0x39).contains(bytes[place]) {
            number = number * 10 + Int(bytes[place] - 0x30)
            place += 1
        }
        return number
    }
}
