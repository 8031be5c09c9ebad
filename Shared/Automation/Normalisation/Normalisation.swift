import JSON
import Models

/// Turns a vendor's payloads into events. No authentic payload is refused here: one that cannot be
/// read becomes an event of an unknown kind in the connection's lane, and stays in the log whole.
///
/// Every text that becomes a name of ours (event id, lane, deduplication key) is either printable
/// ASCII of a bounded length or replaced by a digest, so no vendor's text can break the log.
public struct Normalisation: Sendable {
    public let connection: ConnectionID
    /// The time of receipt, used where the vendor tells no time.
    public let receivedAt: Timestamp
    /// A collision-resistant hash as printable ASCII; used where the vendor gives no id.
    let digest: @Sendable ([UInt8]) -> String

    public init(
        connection: ConnectionID, receivedAt: Timestamp,
        digest: @escaping @Sendable ([UInt8]) -> String
    ) {
        self.connection = connection
        self.receivedAt = receivedAt
        self.digest = digest
    }

    /// An authentic body of a form that is not documented.
    public func unreadable(
        _ body: JSON, from source: EventSource, as format: EventFormat
    ) -> NewEvent {
        event(
            identified: digest(of: body), source: source,
            kind: .unknown("\(source.rawValue).unreadable"), at: nil, lane: .connection,
            format: format, payload: body.bytes)
    }

    /// The id of an event without a vendor's id: equal payloads are one event.
    func digest(of payload: JSON) -> String { "sha256-\(digest(payload.canonicalBytes))" }

    func event(
        identified identity: String, source: EventSource, kind: EventKind, at time: String?,
        lane: LaneKey, format: EventFormat, payload: [UInt8]
    ) -> NewEvent {
        return NewEvent(
            event: Event(
                id: EventID(identity), connection: connection, source: source, kind: kind,
                occurredAt: time.flatMap(Timestamp.init) ?? receivedAt, lane: lane, format: format,
                payload: payload),
            deduplicationKey: "\(format.rawValue):\(identity)")
    }
}

extension JSONPart {
    /// A string (or a number's digits) that may be a name of ours: 1 to 100 printable ASCII
    /// characters without blanks. Returns nil for everything else.
    func name(_ key: String) -> String? {
        guard let value = self[key], let text = value.string ?? value.numberLiteral, isName(text)
        else { return nil }
        return text
    }
}

func isName(_ text: String) -> Bool {
    (1...100).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
}
