import JSON
import Models

public struct PagerDutyUser: Hashable, Sendable {
    public var id: String
    public var name: String?
    public var email: String?

    init?(_ json: JSON?) {
        guard let reference = Reference(json) else { return nil }
        id = reference.id
        name = reference.name
        email = json?.present("email")?.string
    }
}

extension PagerDuty {
    /// Items of a list; incomplete when there are more than PagerDuty lets anybody page to.
    public struct Listing<Item: Hashable & Sendable>: Hashable, Sendable {
        public var items: [Item]
        public var isComplete: Bool
    }

    static let pageSize = 100
    /// `offset + limit` beyond this is answered with 400.
    static let depthMax = 10_000

    public func services() async throws(Failure) -> Reply<Listing<Reference>> {
        try await list("services") { Reference($0) }
    }

    public func escalationPolicies() async throws(Failure) -> Reply<Listing<Reference>> {
        try await list("escalation_policies") { Reference($0) }
    }

    /// From the most to the least severe. 402 without the ability.
    public func priorities() async throws(Failure) -> Reply<Listing<Reference>> {
        try await list("priorities") { Reference($0) }
    }

    public func workflows() async throws(Failure) -> Reply<Listing<Reference>> {
        try await list("incident_workflows") { Reference($0) }
    }

    /// - Parameter query: a part of a name or e-mail address.
    public func users(query: String? = nil) async throws(Failure) -> Reply<Listing<PagerDutyUser>> {
        try await list("users", query: query) { PagerDutyUser($0) }
    }

    /// The features of the account. 200 shows that the key is valid, not that it may write.
    public func abilities() async throws(Failure) -> Reply<[String]> {
        try await reply(to: .get("/abilities")) { json in
            json["abilities"]?.array?.compactMap(\.string)
        }
    }

    private func list<Item: Hashable & Sendable>(
        _ name: String, query: String? = nil, reading read: (JSON) -> Item?
    ) async throws(Failure) -> Reply<Listing<Item>> {
        var listing = Listing<Item>(items: [], isComplete: false)
        var budget: RateLimit?
        for offset in stride(from: 0, to: Self.depthMax, by: Self.pageSize) {
            var items = [("limit", String(Self.pageSize)), ("offset", String(offset))]
            if let query { items.append(("query", query)) }
            let call = Call.get("/\(name)", query: items.map { (name: $0.0, value: $0.1) })
            let page = try await reply(to: call) { json -> (items: [JSON], more: Bool)? in
                json[name]?.array.map { ($0, json["more"]?.bool ?? false) }
            }
            listing.items += page.value.items.compactMap(read)
            budget = page.budget
            if !page.value.more {
                listing.isComplete = true
                break
            }
        }
        return Reply(listing, budget: budget)
    }
}
