import Automation
import Crypto
import JSON
import Models

/// A decoded delivery, still in the vendor's own terms.
struct Notice: Sendable {
    enum Words: Sendable {
        case pagerDutyV3(JSONPart)
        case pagerDutyV2([JSONPart])
        /// `rest` holds the elements that could not be read.
        case apex([ApexChange], rest: JSON?)
        case outboundMessage([OutboundNotification])
        /// Authentic, but empty or of an unknown shape.
        case unreadable(JSON, EventFormat)
    }

    let connection: ConnectionID
    let receivedAt: Timestamp
    let source: EventSource
    let words: Words

    fileprivate init(_ words: Words, in delivery: AuthenticDelivery) {
        connection = delivery.connection
        receivedAt = delivery.receivedAt
        source = delivery.channel.source
        self.words = words
    }
}

extension AuthenticDelivery {
    /// The most events of one delivery: as many as a trigger is called for (Salesforce.md 40).
    static let eventsMax = 200

    func decoded() throws(Rejection) -> Notice {
        switch channel {
        case .pagerDuty: Notice(try pagerDutyWords(), in: self)
        case .apex(let organization): Notice(try apexWords(of: organization), in: self)
        case .outboundMessage(let organization, _):
            Notice(.outboundMessage(try outboundMessage(of: organization)), in: self)
        }
    }

    private func pagerDutyWords() throws(Rejection) -> Notice.Words {
        let json = try outline().root
        if let event = json["event"], event.isObject { return .pagerDutyV3(event) }
        guard let messages = json["messages"]?.elements else {
            return .unreadable(json.value, .pagerDutyV3)
        }
        guard messages.count <= Self.eventsMax else {
            throw .tooLarge(
                "The delivery has more than \(Self.eventsMax) messages; send fewer at once.")
        }
        return messages.isEmpty ? .unreadable(json.value, .pagerDutyV2) : .pagerDutyV2(messages)
    }

    /// Strings may be as long as the body: the Apex package sends maps of records as strings, and a
    /// long text area with escapes is longer than our usual limit.
    func outline() throws(Rejection) -> JSONOutline {
        var limits = JSONLimits()
        limits.stringBytesMax = body.count
        do { return try JSONOutline(parsing: body, limits: limits) } catch {
            throw .malformed("The body is not valid JSON: \(error).")
        }
    }
}

extension Notice {
    /// The events of the notice in vendor-neutral terms. It refuses nothing.
    func normalised() -> [NewEvent] {
        let normalisation = Normalisation(connection: connection, receivedAt: receivedAt) {
            Hex.encode(SHA256.digest($0))
        }
        return switch words {
        case .pagerDutyV3(let event): [normalisation.pagerDutyV3(event)]
        case .pagerDutyV2(let messages): messages.map(normalisation.pagerDutyV2)
        case .apex(let changes, let rest):
            changes.map(normalisation.apex)
                + [rest].compactMap { $0 }.map {
                    normalisation.unreadable($0, from: source, as: .apexTrigger)
                }
        case .outboundMessage(let notifications): notifications.map(normalisation.outbound)
        case .unreadable(let body, let format):
            [normalisation.unreadable(body, from: source, as: format)]
        }
    }
}
