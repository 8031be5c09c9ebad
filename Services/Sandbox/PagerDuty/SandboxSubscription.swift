import Crypto
import HTTP
import JSON
import Models

/// A V3 webhook subscription (PagerDuty.md 37).
struct SandboxSubscription: Sendable {

    let id: String
    let url: String
    /// The signature's key is the bytes of this text.
    let secret: String
    let customHeaders: [(name: String, value: String)]
    var description: String?
    var events: [String]
    var filter: SubscriptionScope
    var isActive = true
    var health = EndpointHealth()

    func isEnabled(at now: Timestamp) -> Bool {
        isActive && health.isEnabled(at: now)
    }

    func admits(service: String?, teams: [String]) -> Bool {
        switch filter {
        case .account: true
        case .service(let id): id == service
        case .team(let id): teams.contains(id)
        }
    }
}

enum SubscriptionScope: Hashable, Sendable {
    case account
    case service(String)
    case team(String)
}

extension SandboxPagerDuty {
    /// Content longer than this is cut in webhooks and marked `trimmed`.
    static let noteCharactersMax = 20_000

    /// Queues the webhook for every subscription that asks for it and for every extension of the
    /// service.
    mutating func tell(
        of happening: IncidentOccurrence, _ entry: SandboxIncident.LogEntry,
        _ incident: SandboxIncident,
        by agent: SandboxIncident.Agent, at now: Timestamp
    ) {
        let event = v3Event(
            happening.v3Name, resource: "incident", by: reference(to: agent), at: now,
            data: data(of: happening, incident))
        let body = event.bytes
        for subscription in subscriptions
        where subscription.isEnabled(at: now) && subscription.events.contains(happening.v3Name)
            && subscription.admits(service: incident.serviceID, teams: incident.teamIDs)
        {
            post(
                body, to: subscription, resource: incident.id,
                about: "\(happening.v3Name) \(incident.id)")
        }
        if let name = happening.v2Name { tellV2(name, entry, incident, at: now) }
    }

    private mutating func v3Event(
        _ type: String, resource: String, by agent: JSON, at now: Timestamp, data: JSON
    ) -> JSON {
        [
            "event": [
                "id": .string(ids.event()),
                "event_type": .string(type),
                "resource_type": .string(resource),
                "occurred_at": .string(now.iso8601),
                "agent": agent,
                "client": .null,
                "data": data,
            ]
        ]
    }

    private func data(of happening: IncidentOccurrence, _ incident: SandboxIncident) -> JSON {
        let about = incidentReference(incident)
        switch happening {
        case .triggered, .acknowledged, .unacknowledged, .resolved, .reopened, .reassigned,
            .escalated, .delegated, .priorityUpdated, .serviceUpdated, .typeChanged:
            return v3View(of: incident)
        case .annotated(let note):
            return text("content", note.content, note.id, about, type: "incident_note")
        case .statusUpdatePublished(let id, let message):
            return text("message", message, id, about, type: "incident_status_update")
        case .bridgeUpdated:
            let number = incident.bridge.present("conference_number")
            return [
                "incident": about,
                "conference_numbers": number.map { [["label": "", "number": $0]] } ?? .null,
                "conference_url": incident.bridge["conference_url"] ?? .null,
                "type": "incident_conference_bridge",
            ]
        case .responderAdded(let userID, let policyID, let message):
            return [
                "incident": about,
                "user": userID.map(userReference) ?? .null,
                "escalation_policy": policyID.map(policyReference) ?? .null,
                "message": .string(message), "state": "pending", "type": "incident_responder",
            ]
        case .workflowStarted(let workflow, let instance),
            .workflowCompleted(let workflow, let instance):
            return [
                "id": .string(instance), "summary": "",
                "incident": about,
                "incident_workflow": reference(
                    "incident_workflow", workflow, directory.workflow(workflow)?.name,
                    in: "incident_workflows"),
                "workflow_trigger": .null,
                "service": serviceReference(incident.serviceID),
                "type": "incident_workflow_instance",
            ]
        }
    }

    private func text(
        _ member: String, _ content: String, _ id: String, _ incident: JSON, type: String
    ) -> JSON {
        let cut = content.prefix(Self.noteCharactersMax)
        let data: JSON = [
            "incident": incident, "id": .string(id),
            "trimmed": .bool(cut.count < content.count), "type": .string(type),
        ]
        return data.with([member: .string(String(cut))])
    }

    /// The agent of a ping is an id and nothing else.
    mutating func ping(
        _ subscription: SandboxSubscription, by agent: SandboxIncident.Agent, at now: Timestamp
    ) {
        let who: JSON = agent.userID.map { ["id": .string($0), "type": "user_reference"] } ?? .null
        let event = v3Event(
            "pagey.ping", resource: "pagey", by: who, at: now,
            data: ["message": "Hello from your friend Pagey!", "type": "ping"])
        post(event.bytes, to: subscription, resource: "pagey", about: "pagey.ping")
    }

    private mutating func post(
        _ body: [UInt8], to subscription: SandboxSubscription, resource: String, about: String
    ) {
        let code = HMACSHA256.authenticationCode(
            key: Array(subscription.secret.utf8), message: body)
        var headers: HTTPHeaders = [
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "PagerDuty-Webhook/V3.0",
            "X-Webhook-Id": ids.uuid(),
            "X-Webhook-Subscription": subscription.id,
            "X-PagerDuty-Signature": "v1=\(Hex.encode(code))",
        ]
        for (name, value) in subscription.customHeaders { headers[name] = value }
        outgoing.append(
            NewDelivery(
                subscriber: .subscription(subscription.id),
                lane: "\(subscription.id) \(resource)", url: subscription.url,
                content: .ready(headers: headers, body: body),
                deadline: deliveryDeadline, about: about))
    }
}
