import CEpoll
import Glibc

/// Many connections that take their time, in a process of its own: a third sends the head of a
/// request byte by byte, a third its body, and a third whole requests whose answers it reads byte
/// by byte. Whoever is cut off comes again.
struct SlowDrip {
    /// Slow, so that the deadlines are what ends it: a byte a second.
    private static let pauseMilliseconds = 1000
    /// Numbers that no other load of a benchmark uses.
    private static let firstNumber = 50_000_000

    let port: Int
    let connections: Int

    func run() -> Never {
        signal(SIGPIPE, SIG_IGN)
        let webhooks = Webhooks(incidents: 1000)
        let drips = (0..<connections).map { index in
            SlowConnection(
                port: port,
                kind: SlowConnection.Kind.allCases[index % SlowConnection.Kind.allCases.count],
                webhooks: webhooks)
        }
        var number = Self.firstNumber
        var next = monotonicNanoseconds()
        while true {
            // A share of them each millisecond, so that they do not all come at once.
            for slice in 0..<Self.pauseMilliseconds {
                for index in stride(from: slice, to: drips.count, by: Self.pauseMilliseconds) {
                    drips[index].step(&number)
                }
                next += 1_000_000
                let now = monotonicNanoseconds()
                if now < next { block(milliseconds: Int32((next - now) / 1_000_000 + 1)) }
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

    /// A byte further, on a new connection when there is none.
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

    /// Takes a byte of what has come.
    private func isOpen() -> Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT))
        return count > 0 || (count < 0 && errno == EAGAIN)
    }
}
