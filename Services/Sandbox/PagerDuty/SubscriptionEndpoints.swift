import HTTP
import JSON
import Models

/// `/webhook_subscriptions` (PagerDuty.md 37 to 39).
extension SandboxPagerDuty {
    static let subscriptionsPerScopeMax = 10

    /// Every event a subscription may ask for (PagerDuty.md 4).
    static let v3EventTypes: Set<String> = [
        "incident.triggered", "incident.acknowledged", "incident.unacknowledged",
        "incident.resolved", "incident.reassigned", "incident.escalated", "incident.delegated",
        "incident.reopened", "incident.priority_updated", "incident.service_updated",
        "incident.incident_type.changed", "incident.annotated",
        "incident.status_update_published", "incident.responder.added",
        "incident.responder.replied", "incident.role.assigned",
        "incident.conference_bridge.updated", "incident.custom_field_values.updated",
        "incident.task.created", "incident.task.updated", "incident.task.completed",
        "incident.action_invocation.created", "incident.action_invocation.updated",
        "incident.action_invocation.terminated", "incident.workflow.started",
        "incident.workflow.completed", "service.created", "service.updated", "service.deleted",
        "service.custom_field_values.updated",
    ]

    mutating func createSubscription(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        let part = try call.object("webhook_subscription")
        let subscription = try subscribe(part, secret: nil)
        return .json(
            200, ["webhook_subscription": view(of: subscription, showsSecret: true)])
    }

    /// `secret`: as given by the control API, or a new one.
    mutating func subscribe(
        _ part: JSON, secret: String?
    ) throws(PagerDutyError) -> SandboxSubscription {
        let method = part["delivery_method"]
        guard method?["type"]?.string == "http_delivery_method",
            let url = method?["url"]?.string, url.hasPrefix("http")
        else { throw .invalid("Delivery method is invalid.") }
        let filter = try Self.filter(part["filter"])
        if subscriptions.filter({ $0.filter == filter }).count >= Self.subscriptionsPerScopeMax {
            throw .limitReached("Webhook subscription limit exceeded for the selected scope")
        }
        let subscription = SandboxSubscription(
            id: ids.short(), url: url, secret: secret ?? ids.secret(),
            customHeaders: Self.headers(method?["custom_headers"]),
            description: part.present("description")?.string,
            events: try Self.events(part["events"]), filter: filter,
            isActive: part.present("active")?.bool ?? true)
        subscriptions.append(subscription)
        effects.append("subscribed \(subscription.id)")
        return subscription
    }

    static func headers(_ list: JSON?) -> [(name: String, value: String)] {
        (list?.array ?? []).compactMap { header in
            guard let name = header["name"]?.string, let value = header["value"]?.string else {
                return nil
            }
            return (name, value)
        }
    }

    private static func events(_ list: JSON?) throws(PagerDutyError) -> [String] {
        let events = (list?.array ?? []).compactMap(\.string)
        guard !events.isEmpty, Set(events).count == events.count,
            events.allSatisfy(v3EventTypes.contains)
        else { throw .invalid("Events are invalid.") }
        return events
    }

    private static func filter(
        _ part: JSON?
    ) throws(PagerDutyError) -> SubscriptionScope {
        switch (part?["type"]?.string, part?.present("id")?.string) {
        case ("account_reference", nil): return .account
        case ("service_reference", let id?): return .service(id)
        case ("team_reference", let id?): return .team(id)
        case (_, _): throw .invalid("Filter is invalid.")
        }
    }

    func listSubscriptions(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        let found = subscriptions.filter { subscription in
            switch (call.query["filter_type"], subscription.filter) {
            case (nil, _), ("account", .account): true
            case ("service", .service(let id)), ("team", .team(let id)):
                call.query["filter_id"].map { $0 == id } ?? true
            case (.some, .account), (.some, .service), (.some, .team): false
            }
        }
        return try page(found, of: call, under: "webhook_subscriptions") { view(of: $0) }
    }

    private func position(_ id: String) throws(PagerDutyError) -> Int {
        guard let position = subscriptions.firstIndex(where: { $0.id == id }) else {
            throw .notFound
        }
        return position
    }

    func getSubscription(_ id: String) throws(PagerDutyError) -> HTTPResponse {
        .json(200, ["webhook_subscription": view(of: subscriptions[try position(id)])])
    }

    /// The delivery method cannot be changed: delete and make a new one.
    mutating func updateSubscription(
        _ call: PagerDutyCall, _ id: String
    ) throws(PagerDutyError) -> HTTPResponse {
        let position = try position(id)
        let part = try call.object("webhook_subscription")
        var changed = subscriptions[position]
        if let text = part["description"] { changed.description = text.string }
        if let events = part["events"] { changed.events = try Self.events(events) }
        if let filter = part["filter"] { changed.filter = try Self.filter(filter) }
        if let active = part.present("active")?.bool { changed.isActive = active }
        subscriptions[position] = changed
        return .json(200, ["webhook_subscription": view(of: changed)])
    }

    mutating func deleteSubscription(_ id: String) throws(PagerDutyError) -> HTTPResponse {
        subscriptions.remove(at: try position(id))
        return HTTPResponse(status: 204)
    }

    mutating func enableSubscription(_ id: String) throws(PagerDutyError) -> HTTPResponse {
        let position = try position(id)
        subscriptions[position].health = EndpointHealth()
        return .json(200, ["webhook_subscription": view(of: subscriptions[position])])
    }

    mutating func pingSubscription(
        _ call: PagerDutyCall, _ id: String
    ) throws(PagerDutyError) -> HTTPResponse {
        let agent = call.key.userID.map(SandboxIncident.Agent.user) ?? .automation
        ping(subscriptions[try position(id)], by: agent, at: call.at)
        return HTTPResponse(status: 202)
    }

    /// The secret is shown once, in the answer that creates the subscription; header values never.
    func view(of subscription: SandboxSubscription, showsSecret: Bool = false) -> JSON {
        let filter: JSON =
            switch subscription.filter {
            case .account: ["type": "account_reference"]
            case .service(let id): ["id": .string(id), "type": "service_reference"]
            case .team(let id): ["id": .string(id), "type": "team_reference"]
            }
        return [
            "id": .string(subscription.id), "type": "webhook_subscription",
            "active": .bool(subscription.isActive),
            "description": JSON(subscription.description),
            "delivery_method": [
                "id": .string("PM\(subscription.id.dropFirst(2))"),
                "type": "http_delivery_method",
                "url": .string(subscription.url),
                "secret": showsSecret ? .string(subscription.secret) : .null,
                "temporarily_disabled": .bool(subscription.health.disabledUntil != nil),
                "custom_headers": .array(
                    subscription.customHeaders.map {
                        ["name": .string($0.name), "value": "-- redacted --"]
                    }),
            ],
            "events": .array(subscription.events.map(JSON.string)),
            "filter": filter,
        ]
    }
}
