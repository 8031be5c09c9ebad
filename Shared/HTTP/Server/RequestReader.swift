/// Turns the bytes of one connection into requests, in order. It does no I/O and reads no clock.
/// The size of the reads never changes the result.
struct RequestReader {
    enum Output {
        /// More bytes are needed.
        case needsMore
        /// A head was read; `accept` or the end of the connection must follow.
        case head(HTTPRequestHead)
        case request(HTTPRequest, keepsAlive: Bool)
        /// The path is nil if none was read.
        case refused(RequestError, path: String?)
    }

    /// The part of a request that the next bytes belong to; each has its own time-out.
    enum Progress {
        case betweenRequests
        case head
        case body
    }

    private enum Position {
        case head
        case admission(ParsedHead)
        case body(ParsedHead, bodyBytesMax: Int)
        case ended
    }

    private let limits: HTTPServerLimits
    private var position = Position.head
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
        switch position {
        case .head: consumed == received.count ? .betweenRequests : .head
        case .admission, .body, .ended: .body
        }
    }

    /// The path of the request that is being read. That of an incomplete or malformed head is
    /// unchecked.
    var path: String? {
        switch position {
        case .head: seemingPath(of: received[consumed...])
        case .admission(let parsed), .body(let parsed, _): parsed.head.path
        case .ended: nil
        }
    }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        received.removeFirst(consumed)
        consumed = 0
        received.append(contentsOf: bytes)
    }

    mutating func accept(bodyBytesMax: Int) {
        guard case .admission(let parsed) = position else { return }
        owesContinue = parsed.framing.expectsContinue
        position = .body(parsed, bodyBytesMax: bodyBytesMax)
    }

    mutating func next() -> Output {
        do {
            return try output()
        } catch {
            let path = self.path
            end()
            return .refused(error, path: path)
        }
    }

    /// Returns true if 100 (Continue) is due: once, and only if no byte of the body has arrived
    /// (RFC 9110 section 10.1.1).
    mutating func takeContinue() -> Bool {
        defer { owesContinue = false }
        return owesContinue && body.isEmpty && consumed == received.count
    }

    /// Forgets everything and reads no further request.
    mutating func end() {
        position = .ended
        received = []
        consumed = 0
        body = []
    }

    private mutating func output() throws(RequestError) -> Output {
        switch position {
        case .head:
            return try readHead()
        case .body(let parsed, let bodyBytesMax):
            guard try readBody(parsed.framing.body, bodyBytesMax) else { return .needsMore }
            return complete(parsed)
        case .admission, .ended:
            return .needsMore
        }
    }

    private mutating func readHead() throws(RequestError) -> Output {
        let received = self.received
        let unread = received.span.extracting(consumed...)
        guard let length = try scan.headLength(in: unread, limits: limits) else {
            return .needsMore
        }
        let parsed = try parseHead(unread.extracting(0..<length))
        consumed += length
        position = .admission(parsed)
        return .head(parsed.head)
    }

    /// Moves the bytes of the body that have arrived. Returns true after the last.
    private mutating func readBody(
        _ framing: Framing.Body, _ bodyBytesMax: Int
    ) throws(RequestError) -> Bool {
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

    private mutating func complete(_ parsed: ParsedHead) -> Output {
        let request = HTTPRequest(head: parsed.head, body: body)
        position = .head
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
