import HTTP
import JSON
import Models

/// A V2 webhook: an extension of one service (PagerDuty.md 35), or a Custom Incident Action, which
/// has another schema and gets only the webhooks of its own button.
struct V2Extension: Sendable {
    enum Schema: String, CaseIterable, Sendable {
        case genericWebhook = "PJFWPEP"
        case customAction = "PCUSTOM"

        /// The name in `GET /extension_schemas`.
        var key: String {
            switch self {
            case .genericWebhook: "generic_v2_webhook"
            case .customAction: "custom_webhook"
            }
        }

        var label: String {
            switch self {
            case .genericWebhook: "Generic V2 Webhook"
            case .customAction: "Custom Incident Action"
            }
        }
    }

    let id: String
    let schema: Schema
    var name: String
    var url: String
    var serviceIDs: [String]
    var customHeaders: [(name: String, value: String)]
    var health = EndpointHealth()

    func isEnabled(at now: Timestamp) -> Bool { health.isEnabled(at: now) }
}

extension SandboxPagerDuty {
    /// Queues the webhook for the generic extensions of the incident's service.
    mutating func tellV2(
        _ name: String, _ entry: SandboxIncident.LogEntry, _ incident: SandboxIncident,
        at now: Timestamp
    ) {
        for target in extensions
        where target.schema == .genericWebhook && target.isEnabled(at: now)
            && target.serviceIDs.contains(incident.serviceID)
        {
            postV2(name, entry, incident, to: target, at: now)
        }
    }

    /// Runs a Custom Incident Action: queues its webhook.
    mutating func pressCustomAction(
        _ target: V2Extension, on id: String, by agent: SandboxIncident.Agent, at now: Timestamp
    ) throws(PagerDutyError) {
        let incident = try incident(id)
        guard target.isEnabled(at: now), target.serviceIDs.contains(incident.serviceID) else {
            throw .notFound
        }
        let entry = SandboxIncident.LogEntry(
            id: ids.long(), type: "custom_log_entry", summary: "\(target.name) was triggered",
            at: now, agent: agent,
            channel: ["type": "custom_web_trigger", "name": .string(target.name)])
        effects.append("incident.custom \(incident.id)")
        postV2("incident.custom", entry, incident, to: target, at: now)
    }

    mutating func tellOfAutomaticAssignment(of id: String, at now: Timestamp) {
        guard let incident = incidents[id] else { return }
        let entry = SandboxIncident.LogEntry(
            id: ids.long(), type: "assign_log_entry", summary: "Assigned automatically", at: now,
            agent: .service(incident.serviceID), channel: ["type": "auto"],
            assigneeIDs: incident.assignments.map(\.userID))
        tellV2("incident.assign", entry, incident, at: now)
    }

    private mutating func postV2(
        _ name: String, _ entry: SandboxIncident.LogEntry, _ incident: SandboxIncident,
        to target: V2Extension,
        at now: Timestamp
    ) {
        let message: JSON = [
            "event": .string(name),
            "log_entries": [view(of: entry, in: incident)],
            "webhook": webhookView(of: target),
            "incident": v2View(of: incident),
            "id": .string(ids.uuid()),
            "created_on": .string(now.wholeSeconds),
            "account_features": ["response_automation": true],
        ]
        let body: JSON = ["messages": [message]]
        var headers: HTTPHeaders = [
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "PagerDuty-Webhook/V2.0",
            "X-Webhook-Id": ids.uuid(),
        ]
        for (name, value) in target.customHeaders { headers[name] = value }
        outgoing.append(
            NewDelivery(
                subscriber: .v2Extension(target.id), lane: "\(target.id) \(incident.id)",
                url: target.url, content: .ready(headers: headers, body: body.bytes),
                deadline: target.schema == .customAction
                    ? max(deliveryDeadline, SandboxOptions.customActionDeadline)
                    : deliveryDeadline,
                about: "\(name) \(incident.id)"))
    }

    /// REST's incident with the service as a whole object.
    private func v2View(of incident: SandboxIncident) -> JSON {
        let service = directory.service(incident.serviceID)
        return restView(of: incident).with([
            "service": serviceReference(incident.serviceID).with([
                "type": "service", "name": JSON(service?.name), "status": "active",
                "escalation_policy": JSON.null,
            ]),
            "alerts": [], "external_references": [], "metadata": [:], "impacted_services": [],
            "importance": .null, "incidents_responders": [], "responder_requests": [],
            "subscriber_requests": [],
        ])
    }

    private func webhookView(of target: V2Extension) -> JSON {
        view(of: target).with([
            "type": "webhook",
            "webhook_object": target.serviceIDs.first.map(serviceReference) ?? .null,
            "outbound_integration": [
                "id": .string(target.schema.rawValue), "type": "outbound_integration_reference",
                "summary": .string(target.schema.label), "html_url": .null,
                "self": .string("\(baseURL)/outbound_integrations/\(target.schema.rawValue)"),
            ],
            "accounts_addon": .null,
        ])
    }

    /// The extension as `GET /extensions` shows it.
    func view(of target: V2Extension) -> JSON {
        [
            "id": .string(target.id), "type": "extension",
            "name": .string(target.name), "summary": .string(target.name),
            "self": .string("\(baseURL)/extensions/\(target.id)"), "html_url": .null,
            "endpoint_url": .string(target.url),
            "extension_schema": reference(
                "extension_schema", target.schema.rawValue, target.schema.label,
                in: "extension_schemas"),
            "extension_objects": .array(target.serviceIDs.map(serviceReference)),
            "config": [
                "headers": .array(
                    target.customHeaders.map {
                        ["name": .string($0.name), "value": .string($0.value)]
                    })
            ],
            "temporarily_disabled": .bool(target.health.disabledUntil != nil),
        ]
    }
}
