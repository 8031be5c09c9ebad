import Crypto
import Models

/// Signed V3 webhooks of exactly 2 KiB, each with its own event. The incidents repeat in turn.
struct Webhooks: RequestSource {
    static let bodyBytes = 2048
    static let secret = "bench-webhook-secret-of-no-account"
    static let subscription = "PBENCH1"

    let template: [UInt8]
    /// The number of incidents among which the events rotate.
    let incidents: Int
    private let connection: ConnectionID
    private let bodyStart: Int
    private let signatureStart: Int
    /// The indices after the request's number, and after its incident's number.
    private let numberEnds: [Int]
    private let incidentEnds: [Int]
    /// The signatures of the first requests, concatenated.
    private var signatures: [UInt8] = []

    private static let eventMark = "01BENCH0000000000000000000"
    private static let incidentMark = "QBENCH00000000"
    /// `incident.number` is this offset plus the number of the request: it never begins with 0.
    private static let numberMark = "100000000"
    static let incidentNumberOffset = 100_000_000
    private static let signatureMark = String(repeating: "s", count: 64)

    /// - Parameter signedCount: the number of requests that are signed now and not when sent.
    init(connection: ConnectionID = "bench", incidents: Int, signedCount: Int = 0) {
        let body = Self.body
        let head = """
            POST /pagerduty/\(connection) HTTP/1.1\r\nHost: 127.0.0.1\r\n\
            User-Agent: PagerDuty-Webhook/V3.0\r\nContent-Type: application/json\r\n\
            X-PagerDuty-Signature: v1=\(Self.signatureMark)\r\n\
            X-Webhook-Subscription: \(Self.subscription)\r\n\
            Content-Length: \(body.utf8.count)\r\n\r\n
            """
        self.connection = connection
        self.incidents = incidents
        let bytes = Array((head + body).utf8)
        template = bytes
        bodyStart = head.utf8.count
        signatureStart = Self.ends(of: Self.signatureMark, in: bytes)[0] - 64
        numberEnds = [Self.eventMark, Self.numberMark].flatMap { Self.ends(of: $0, in: bytes) }
        incidentEnds = Self.ends(of: Self.incidentMark, in: bytes)
        sign(signedCount)
    }

    func stamp(_ number: Int, onto request: UnsafeMutableRawBufferPointer) {
        stampIDs(number, onto: request)
        if (number + 1) * HMACSHA256.byteCount <= signatures.count {
            let start = number * HMACSHA256.byteCount
            signatures.withUnsafeBytes { writeHex($0[start..<start + 32], onto: request) }
        } else {
            signature(of: request).withUnsafeBytes { writeHex($0[...], onto: request) }
        }
    }

    /// The event that `ingest` would append for this request.
    func event(_ number: Int) -> NewEvent {
        var request = template
        request.withUnsafeMutableBytes { stampIDs(number, onto: $0) }
        // {"event":{...}}
        let payload = Array(request[(bodyStart + 9)..<(request.count - 1)])
        let id = Self.name(Self.eventMark, number)
        let event = Event(
            id: EventID(id), connection: connection, source: .pagerDuty,
            kind: .incident(.triggered), occurredAt: Timestamp(seconds: 1_767_225_600),
            lane: .incident(Self.incident(number % incidents)), format: .pagerDutyV3,
            payload: payload)
        return NewEvent(event: event, deduplicationKey: "pagerDutyV3:\(id)")
    }

    /// The number of the request with this event.
    static func number(ofEvent id: String) -> Int? { Int(id.suffix(19)) }

    static func incident(_ number: Int) -> IncidentID { IncidentID(name(incidentMark, number)) }

    private mutating func sign(_ count: Int) {
        signatures.reserveCapacity(count * HMACSHA256.byteCount)
        var request = template
        request.withUnsafeMutableBytes { bytes in
            for number in 0..<count {
                stampIDs(number, onto: bytes)
                signatures += signature(of: bytes)
            }
        }
    }

    private func signature(of request: UnsafeMutableRawBufferPointer) -> [UInt8] {
        HMACSHA256.authenticationCode(
            key: Array(Self.secret.utf8), message: Array(request[bodyStart...]))
    }

    private func stampIDs(_ number: Int, onto request: UnsafeMutableRawBufferPointer) {
        for end in numberEnds { write(number, endingAt: end, request) }
        for end in incidentEnds { write(number % incidents, endingAt: end, request) }
    }

    /// Writes eight decimal digits, which overwrite the whole former number.
    private func write(
        _ number: Int, endingAt end: Int, _ request: UnsafeMutableRawBufferPointer
    ) {
        var rest = number
        for place in stride(from: end - 1, through: end - 8, by: -1) {
            request[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }

    private func writeHex(
        _ bytes: Slice<UnsafeRawBufferPointer>, onto request: UnsafeMutableRawBufferPointer
    ) {
        var place = signatureStart
        for byte in bytes {
            request[place] = Self.hexDigit(byte >> 4)
            request[place + 1] = Self.hexDigit(byte & 15)
            place += 2
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private static func name(_ mark: String, _ number: Int) -> String {
        let digits = String(number)
        return mark.dropLast(digits.count) + digits
    }

    private static func ends(of mark: String, in bytes: [UInt8]) -> [Int] {
        let mark = Array(mark.utf8)
        return (mark.count...bytes.count).filter { end in
            bytes[end - 1] == mark[mark.count - 1]
                && bytes[(end - mark.count)..<end].elementsEqual(mark)
        }
    }
}

extension Webhooks {
    /// A V3 webhook (PagerDuty.md 1); the title is as long as the size asks for.
    private static let body: String = {
        let empty = body(title: "")
        let words = String(repeating: "Checkout answers slowly in region north. ", count: 50)
        return body(title: String(words.prefix(max(0, bodyBytes - empty.utf8.count))))
    }()

    private static func body(title: String) -> String {
        let site = "https://bench.pagerduty.example"
        let api = "https://api.pagerduty.example"
        func reference(_ id: String, _ kind: String, _ path: String, _ summary: String) -> String {
            """
            {"html_url":"\(site)/\(path)/\(id)","id":"\(id)","self":"\(api)/\(path)/\(id)",\
            "summary":"\(summary)","type":"\(kind)_reference"}
            """
        }
        let anna = reference("PUSER01", "user", "users", "Anna Beispiel")
        let otto = reference("PUSER02", "user", "users", "Otto Exempel")
        return """
            {"event":{"id":"\(eventMark)","event_type":"incident.triggered",\
            "resource_type":"incident","occurred_at":"2026-01-01T00:00:00.000Z","agent":\(anna),\
            "client":null,"data":{"id":"\(incidentMark)","type":"incident",\
            "self":"\(api)/incidents/\(incidentMark)",\
            "html_url":"\(site)/incidents/\(incidentMark)",\
            "number":\(numberMark),"status":"triggered","incident_key":"\(incidentMark)",\
            "created_at":"2026-01-01T00:00:00Z","title":"\(title)",\
            "service":\(reference("PSERVIC", "service", "services", "Checkout")),\
            "assignees":[\(anna),\(otto)],"escalation_policy":\
            \(reference("PPOLICY", "escalation_policy", "escalation_policies", "Day and night")),\
            "teams":[\(reference("PTEAM01", "team", "teams", "Shop")),\
            \(reference("PTEAM02", "team", "teams", "Payment"))],\
            "priority":\(reference("PPRIO01", "priority", "priorities", "P1")),"urgency":"high",\
            "conference_bridge":null,"resolve_reason":null,\
            "incident_type":{"name":"incident_default"}}}}
            """
    }
}
