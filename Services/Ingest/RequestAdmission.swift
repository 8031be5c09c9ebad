import HTTP
import Models

/// The first look at a request: its head alone decides whether the body is worth reading.
struct RequestAdmission: Sendable {
    let directory: ConnectionDirectory
    let backlog: Backlog
    let pagerDutyBytesMax: Int
    let salesforceBytesMax: Int

    func bodyBytesMax(_ route: InboundRoute) -> Int {
        switch route.channel {
        case .pagerDuty: pagerDutyBytesMax
        // 200 records before and after a change are as long as the messages of a Flow.
        case .apex, .outboundMessage: salesforceBytesMax
        }
    }

    func route(for head: HTTPRequestHead) throws(Rejection) -> InboundRoute {
        guard let route = Route(path: head.path) else { throw .notFound }
        guard head.method == "POST" else { throw .methodNotAllowed }
        guard let connection = try directory.connection(route.connection),
            let channel = route.channel(of: connection)
        else { throw .notFound }
        guard Self.isContent(head.headers, of: channel.mediaType) else {
            throw .unsupportedMediaType(expected: channel.mediaType)
        }
        try backlog.admit(connection.id)
        return InboundRoute(connection: connection.id, channel: channel)
    }

    /// Exactly the media type, with no parameter but `charset=utf-8`; no content coding, since a
    /// small coded body may hide a huge one.
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

/// The paths of the public port.
private enum Route {
    case pagerDuty(ConnectionID)
    case apex(ConnectionID)
    case outboundMessage(ConnectionID, token: String)

    init?(path: String) {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let words = parts.dropFirst().map { String(Substring($0)) }
        switch words.count {
        case 2 where words[0] == "pagerduty": self = .pagerDuty(ConnectionID(words[1]))
        case 2 where words[0] == "salesforce": self = .apex(ConnectionID(words[1]))
        case 4 where words[0] == "salesforce" && words[2] == "outbound":
            self = .outboundMessage(ConnectionID(words[1]), token: words[3])
        case _: return nil
        }
    }

    var connection: ConnectionID {
        switch self {
        case .pagerDuty(let id), .apex(let id), .outboundMessage(let id, _): id
        }
    }

    /// `nil` when the connection has no account of that vendor.
    func channel(of connection: Connection) -> Channel? {
        switch self {
        case .pagerDuty: connection.pagerDuty.map(Channel.pagerDuty)
        case .apex: connection.salesforce.map(Channel.apex)
        case .outboundMessage(_, let token):
            connection.salesforce.map { Channel.outboundMessage($0, token: token) }
        }
    }
}
