import CEpoll
import Glibc

/// A slow-drip attack in a process of its own. A third of the connections send the head of a
/// request byte by byte, a third send its body byte by byte, and a third send whole requests and
/// read the answers byte by byte. A connection that the server closes is opened again.
struct SlowDrip {
    /// One byte a second is so slow that only the server's deadlines end a request.
    private static let pauseMilliseconds = 1000
    /// The first number of a range that no other load of a benchmark uses.
    private static let firstNumber = 50_000_000

    let port: Int
    let connections: Int

    func run() -> Never {
        signal(SIGPIPE, SIG_IGN)
        let webhooks = Webhooks(incidents: 1000)
        let slow = (0..<connections).map { index in
            SlowConnection(
                port: port,
                kind: SlowConnection.Kind.allCases[index % SlowConnection.Kind.allCases.count],
                webhooks: webhooks)
        }
        var number = Self.firstNumber
        var next = monotonicNanoseconds()
        while true {
            // Each millisecond serves a share of them, so that they do not send at the same time.
            for slice in 0..<Self.pauseMilliseconds {
                for index in stride(from: slice, to: slow.count, by: Self.pauseMilliseconds) {
                    slow[index].step(&number)
                }
                next += 1_000_000
                let now = monotonicNanoseconds()
                if now < next { blockThread(for: .nanoseconds(Int64(next - now))) }
            }
        }
    }
}

private final class SlowConnection {
    enum Kind: CaseIterable {
        case head, body, reading
    }

    private let kind: Kind
    private let webhooks: Webhooks
    private var address: LoopbackAddress
    private var descriptor: Int32 = -1
    private let request: UnsafeMutableRawBufferPointer
    private let bodyStart: Int
    private var sent = 0

    init(port: Int, kind: Kind, webhooks: Webhooks) {
        self.kind = kind
        self.webhooks = webhooks
        address = LoopbackAddress(port: port)
        request = .allocate(byteCount: webhooks.template.count, alignment: 16)
        request.copyBytes(from: webhooks.template)
        bodyStart = webhooks.template.count - Webhooks.bodyBytes
    }

    /// Sends or reads one byte. It opens a new connection if there is none.
    func step(_ number: inout Int) {
        if descriptor < 0 { return begin(&number) }
        guard isOpen() else { return end() }
        switch kind {
        case .head, .body: send(1)
        case .reading: break
        }
    }

    private func begin(_ number: inout Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard address.withPointer({ Glibc.connect(descriptor, $0, $1) }) == 0 else { return end() }
        number += 1
        webhooks.stamp(number, onto: request)
        sent = 0
        switch kind {
        case .head: send(1)
        case .body: send(bodyStart)
        case .reading: send(request.count)
        }
    }

    private func end() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    private func send(_ count: Int) {
        let part = request[sent..<min(sent + count, request.count)]
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        let bytes = UnsafeRawBufferPointer(rebasing: part)
        let taken = Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags)
        if taken < 0 { end() } else { sent += taken }
    }

    /// Reads one byte if there is one.
    /// - Returns: false if the server has closed the connection.
    private func isOpen() -> Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT))
        return count > 0 || (count < 0 && errno == EAGAIN)
    }
}
