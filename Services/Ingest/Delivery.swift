import HTTP
import Models

/// The connection and the channel of a request, found by its head.
struct InboundRoute: Sendable {
    let connection: ConnectionID
    let channel: Channel
}

/// A request on a route, before its proof is checked.
struct Delivery: Sendable {
    let connection: ConnectionID
    let channel: Channel
    let headers: HTTPHeaders
    let body: [UInt8]
    let receivedAt: Timestamp

    init(_ request: HTTPRequest, at route: InboundRoute, receivedAt: Timestamp) {
        connection = route.connection
        channel = route.channel
        headers = request.headers
        body = request.body
        self.receivedAt = receivedAt
    }
}

/// The kind of a delivery, with the account that its sender has to prove.
enum Channel: Sendable {
    case pagerDuty(PagerDutyAccount)
    case apex(SalesforceOrganization)
    case outboundMessage(SalesforceOrganization, token: String)

    var source: EventSource {
        switch self {
        case .pagerDuty: .pagerDuty
        case .apex, .outboundMessage: .salesforce
        }
    }

    var mediaType: String {
        switch self {
        case .pagerDuty, .apex: "application/json"
        case .outboundMessage: "text/xml"
        }
    }
}
