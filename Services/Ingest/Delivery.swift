import HTTP
import Models

/// A connection that we know, and the way to it: what a head alone tells.
struct InboundRoute: Sendable {
    let connection: ConnectionID
    let channel: Channel
}

/// A request on a route: bytes as they came, and what they will have to prove.
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

/// The way by which a vendor delivers, with the account that it has to prove.
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
