import HTTP
import JSON
import Models

extension SandboxState {
    mutating func controlPagerDuty(
        _ call: APICall, _ body: JSON
    ) throws(ControlError) -> HTTPResponse? {
        do {
            if let response = try controlPagerDutyObjects(call, body) { return response }
        } catch {
            throw .pagerDuty(error)
        }
        return try controlPagerDutyAccess(call, body)
    }

    private mutating func controlPagerDutyObjects(
        _ call: APICall, _ body: JSON
    ) throws(PagerDutyError) -> HTTPResponse? {
        switch call {
        case "GET /_sandbox/pagerduty": return .json(200, pagerDuty.dump)
        case "GET /_sandbox/pagerduty/incidents/{}":
            return .json(200, pagerDuty.dump(of: try pagerDuty.incident(call.segments[3])))
        case "POST /_sandbox/pagerduty/subscriptions":
            let made = try pagerDuty.subscribe(
                SandboxPagerDuty.subscription(body), secret: body.present("secret")?.string)
            let view = pagerDuty.view(of: made, showsSecret: true)
            return .json(201, ["webhook_subscription": view])
        case "POST /_sandbox/pagerduty/extensions":
            let made = try pagerDuty.addExtension(pagerDuty.extension(body))
            return .json(201, ["extension": pagerDuty.view(of: made)])
        case "POST /_sandbox/pagerduty/act":
            return .json(200, try pagerDuty.act(body, at: call.at))
        default: return nil
        }
    }

    private mutating func controlPagerDutyAccess(
        _ call: APICall, _ body: JSON
    ) throws(ControlError) -> HTTPResponse? {
        switch call {
        case "POST /_sandbox/pagerduty/keys":
            guard let key = body["key"]?.string else { throw .bad("key is missing") }
            let user = body.present("user")?.string
            pagerDuty.keys[key] = SandboxPagerDuty.Key(
                isReadOnly: body.present("readOnly")?.bool ?? false,
                userID: user.flatMap { pagerDuty.directory.user(email: $0)?.id ?? $0 })
        case "DELETE /_sandbox/pagerduty/keys/{}":
            guard pagerDuty.keys.removeValue(forKey: call.segments[3]) != nil else {
                throw .missing("such key")
            }
        case "PUT /_sandbox/pagerduty/abilities":
            pagerDuty.directory.abilities = (body["abilities"]?.array ?? []).compactMap(\.string)
        default: return nil
        }
        return .json(200, [:])
    }
}

extension SandboxPagerDuty {
    fileprivate var dump: JSON {
        [
            "incidents": .array(incidentOrder.compactMap { incidents[$0] }.map(dump(of:))),
            "subscriptions": .array(subscriptions.map { view(of: $0) }),
            "extensions": .array(extensions.map { view(of: $0) }),
        ]
    }

    fileprivate func dump(of incident: SandboxIncident) -> JSON {
        restView(of: incident, including: ["body", "conference_bridge"]).with([
            "notes": .array(incident.notes.map { view(of: $0) }),
            "log_entries": .array(incident.log.map { view(of: $0, in: incident) }),
        ])
    }

    /// The body of the real create call, with every event and the whole account unless said.
    fileprivate static func subscription(_ wish: JSON) -> JSON {
        [
            "delivery_method": [
                "type": "http_delivery_method", "url": wish["url"] ?? .null,
                "custom_headers": headerList(wish["headers"]),
            ],
            "events": wish.present("events") ?? .array(v3EventTypes.sorted().map(JSON.string)),
            "filter": wish.present("filter") ?? ["type": "account_reference"],
            "description": wish["description"] ?? "made by the sandbox",
        ]
    }

    fileprivate func `extension`(_ wish: JSON) -> JSON {
        let isCustom = wish.present("custom")?.bool ?? false
        let schema: V2Extension.Schema = isCustom ? .customAction : .genericWebhook
        let services = wish.present("services")?.array ?? directory.services.map { .string($0.id) }
        return [
            "name": wish.present("name") ?? .string(schema.label),
            "endpoint_url": wish["url"] ?? .null,
            "extension_schema": ["id": .string(schema.rawValue)],
            "extension_objects": .array(services.map { ["id": $0] }),
            "config": ["headers": Self.headerList(wish["headers"])],
        ]
    }

    private static func headerList(_ headers: JSON?) -> JSON {
        .array(
            (headers?.object?.members ?? []).map { ["name": .string($0.key), "value": $0.value] })
    }
}
