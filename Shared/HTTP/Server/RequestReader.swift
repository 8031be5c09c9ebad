/// Turns the bytes of one connection into requests, in order. It does no I/O and knows no time:
/// how the bytes were cut into reads never changes what comes out.
struct RequestReader {
    enum Step {
        /// Nothing can be said before more bytes come.
        case needsMore
        /// A head was read; `accept` or the end of the connection must follow.
        case head(HTTPRequestHead)
        case request(HTTPRequest, keepsAlive: Bool)
        /// With the path that was asked for, as far as one was read.
        case refused(Refusal, path: String?)
    }

    /// What the next bytes belong to; each has its own deadline.
    enum Progress {
        case betweenRequests
        case head
        case body
    }

    private enum Phase {
        case head
        case admission(ParsedHead)
        case body(ParsedHead, bodyBytesMax: Int)
        case ended
    }

    private let limits: HTTPServerLimits
    private var phase = Phase.head
    private var scan = HeadScan()
    private var chunks = ChunkedDecoder()
    private var body: [UInt8] = []
    private var received: [UInt8] = []
    private var consumed = 0
    private var owesContinue = false

    init(limits: HTTPServerLimits) {
        self.limits = limits
    }

    var bufferedBytes: Int { received.count - consumed + body.count }

    var progress: Progress {
        switch phase {
        case .head: consumed == received.count ? .betweenRequests : .head
        case .admission, .body, .ended: .body
        }
    }

    /// Of the request that is being read; of a head that is incomplete or malformed what its first
    /// line seems to name.
    var path: String? {
        switch phase {
        case .head: seemingPath(of: received[consumed...])
        case .admission(let parsed), .body(let parsed, _): parsed.head.path
        case .ended: nil
        }
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        received.removeFirst(consumed)
        consumed = 0
        received.append(contentsOf: bytes)
    }

    mutating func accept(bodyBytesMax: Int) {
        guard case .admission(let parsed) = phase else { return }
        owesContinue = parsed.framing.expectsContinue
        phase = .body(parsed, bodyBytesMax: bodyBytesMax)
    }

    mutating func next() -> Step {
        do {
            return try step()
        } catch {
            let path = self.path
            end()
            return .refused(error, path: path)
        }
    }

    /// Whether 100 (Continue) is due: once, and only if the body has not begun to come
    /// (RFC 9110 section 10.1.1).
    mutating func takeContinue() -> Bool {
        defer { owesContinue = false }
        return owesContinue && body.isEmpty && consumed == received.count
    }

    /// Forgets everything and reads no further request.
    mutating func end() {
        phase = .ended
        received = []
        consumed = 0
        body = []
    }

    private mutating func step() throws(Refusal) -> Step {
        switch phase {
        case .head:
            return try readHead()
        case .body(let parsed, let bodyBytesMax):
            guard try readBody(parsed.framing.body, bodyBytesMax) else { return .needsMore }
            return complete(parsed)
        case .admission, .ended:
            return .needsMore
        }
    }

    private mutating func readHead() throws(Refusal) -> Step {
        let received = self.received
        let unread = received.span.extracting(consumed...)
        guard let length = try scan.headLength(in: unread, limits: limits) else {
            return .needsMore
        }
        let parsed = try parseHead(unread.extracting(0..<length))
        consumed += length
        phase = .admission(parsed)
        return .head(parsed.head)
    }

    /// Moves what has come of the body; whether that is all of it.
    private mutating func readBody(
        _ framing: Framing.Body, _ bodyBytesMax: Int
    ) throws(Refusal) -> Bool {
        let received = self.received
        let unread = received.span.extracting(consumed...)
        switch framing {
        case .fixed(let length):
            guard length <= bodyBytesMax else { throw .bodyTooLarge }
            let count = min(length - body.count, unread.count)
            append(unread.extracting(0..<count), to: &body)
            consumed += count
            return body.count == length
        case .chunked:
            consumed += try chunks.decode(unread, into: &body, bodyBytesMax: bodyBytesMax)
            return chunks.isDone
        }
    }

    private mutating func complete(_ parsed: ParsedHead) -> Step {
        let request = HTTPRequest(head: parsed.head, body: body)
        phase = .head
        scan = HeadScan()
        chunks = ChunkedDecoder()
        body = []
        owesContinue = false
        if consumed == received.count {
            received = []
            consumed = 0
        }
        return .request(request, keepsAlive: parsed.framing.keepsAlive)
    }
}
