import HTTP
import Models

/// Decides by the head of a request if its body is read, and by whom it is handled.
struct RequestAdmission: Sendable {
    let directory: ConnectionDirectory
    let backlog: Backlog
    let pagerDutyBytesMax: Int
    let salesforceBytesMax: Int

    func bodyBytesMax(_ route: InboundRoute) -> Int {
        switch route.channel {
        // More than the longest webhook (PagerDuty.md 28).
        case .pagerDuty: pagerDutyBytesMax
        // 200 records before and after a change are as long as the messages of a Flow.
        case .apex, .outboundMessage: salesforceBytesMax
        }
    }

    func route(for head: HTTPRequestHead) throws(Rejection) -> InboundRoute {
        let (path, parameters) = try Self.path(of: head)
        guard let connection = try directory.connection(ConnectionID(String(parameters[0]))),
            let channel = path.channel(of: connection, parameters)
        else { throw .notFound }
        guard Self.isContent(head.headers, of: channel.mediaType) else {
            throw .unsupportedMediaType(expected: channel.mediaType)
        }
        try backlog.admit(connection.id)
        return InboundRoute(connection: connection.id, channel: channel)
    }

    private static func path(
        of head: HTTPRequestHead
    ) throws(Rejection) -> (InboundPath, parameters: [Substring]) {
        switch InboundPath.router.match(method: head.method, path: head.path) {
        case .handler(let path, let parameters): return (path, parameters)
        case .methodNotAllowed(let allowed): throw .methodNotAllowed(allowed: allowed)
        case .notFound: throw .notFound
        }
    }

    /// True for exactly the media type, with no parameter but `charset=utf-8` and no content
    /// coding: a small coded body may hide a huge one.
    private static func isContent(_ headers: HTTPHeaders, of mediaType: String) -> Bool {
        let types = headers.values("Content-Type")
        guard types.count == 1, headers["Content-Encoding"] == nil else { return false }
        if types[0] == mediaType { return true }
        let parts = types[0].split(separator: ";", omittingEmptySubsequences: false).map {
            $0.trimmed.lowercased()
        }
        let charsets = ["charset=utf-8", "charset=\"utf-8\""]
        return parts[0] == mediaType && parts.dropFirst().allSatisfy(charsets.contains)
    }
}

/// The paths of the public port, by the kind of delivery.
private enum InboundPath {
    case pagerDuty, apex, outboundMessage

    static let router = HTTPRouter<InboundPath>([
        "POST /pagerduty/{}": .pagerDuty,
        "POST /salesforce/{}": .apex,
        "POST /salesforce/{}/outbound/{}": .outboundMessage,
    ])

    /// Returns nil if the connection has no account of that vendor.
    func channel(of connection: Connection, _ parameters: [Substring]) -> Channel? {
        switch self {
        case .pagerDuty: connection.pagerDuty.map(Channel.pagerDuty)
        case .apex: connection.salesforce.map(Channel.apex)
        case .outboundMessage:
            connection.salesforce.map { .outboundMessage($0, token: String(parameters[1])) }
        }
    }
}
