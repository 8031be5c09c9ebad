import HTTP

/// An endpoint that gets deliveries. Its refusals count towards switching it off.
enum Subscriber: Hashable, Sendable, CustomStringConvertible {
    /// A V3 webhook subscription of PagerDuty.
    case subscription(String)
    /// A V2 extension of PagerDuty.
    case v2Extension(String)
    /// The trigger package in the Salesforce organisation, by its number.
    case apex(Int)
    /// A SOAP outbound message of the Salesforce organisation, by its number.
    case outboundMessage(Int)

    var description: String {
        switch self {
        case .subscription(let id): "webhook subscription \(id)"
        case .v2Extension(let id): "extension \(id)"
        case .apex(let number): "apex target \(number)"
        case .outboundMessage(let number): "outbound message \(number)"
        }
    }
}

/// A message that a vendor has queued.
struct NewDelivery: Sendable {
    /// The content. It is rendered when the message is sent, because an outbound message carries
    /// the state of the record at that moment.
    enum Content: Sendable {
        case ready(headers: HTTPHeaders, body: [UInt8])
        case apex(body: [UInt8], target: Int)
        case outboundMessage(target: Int, notifications: [(id: String, record: String)])
    }

    let subscriber: Subscriber
    /// Messages of one lane are sent one after the other.
    let lane: String
    let url: String
    let content: Content
    let deadline: Duration
    /// A summary for the delivery log: `incident.triggered Q2CK..`.
    let about: String
}

/// The result of one attempt.
enum DeliveryResult: Sendable {
    case answered(HTTPResponse)
    case noAnswer(String)
}

/// The consequence of an attempt for its message.
enum DeliveryVerdict: Equatable, Sendable {
    case delivered
    case retry
    case dropped

    /// PagerDuty drops a webhook that is refused (PagerDuty.md 23 and 24). An outbound message ends
    /// with an `Ack` of true only (Salesforce.md 49). The trigger package keeps a message that a
    /// retry may still deliver.
    static func of(_ result: DeliveryResult, for subscriber: Subscriber) -> DeliveryVerdict {
        guard case .answered(let response) = result else { return .retry }
        let isSuccess = (200...299).contains(response.status)
        switch subscriber {
        case .outboundMessage:
            return isSuccess && acknowledges(response.body) ? .delivered : .retry
        case .subscription, .v2Extension, .apex:
            if isSuccess { return .delivered }
            return response.status == 429 || response.status >= 500 ? .retry : .dropped
        }
    }

    private static func acknowledges(_ body: [UInt8]) -> Bool {
        let text = String(decoding: body, as: UTF8.self).filter { !$0.isWhitespace }
        return text.contains("Ack>true</")
    }
}
