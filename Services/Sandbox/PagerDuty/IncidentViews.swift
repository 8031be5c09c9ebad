import JSON
import Models

/// Incidents and the objects they refer to, as REST and the webhooks show them.
extension SandboxPagerDuty {
    func reference(
        _ type: String, _ id: String, _ summary: String?, in collection: String, page: String? = nil
    ) -> JSON {
        [
            "html_url": JSON(page ?? "\(webURL)/\(collection)/\(id)"),
            "id": .string(id),
            "self": .string("\(baseURL)/\(collection)/\(id)"),
            "summary": JSON(summary),
            "type": .string("\(type)_reference"),
        ]
    }

    var webURL: String { "https://\(subdomain).pagerduty.com" }

    func userReference(_ id: String) -> JSON {
        reference("user", id, directory.user(id)?.name, in: "users")
    }

    func serviceReference(_ id: String) -> JSON {
        reference("service", id, directory.service(id)?.name, in: "services")
    }

    func policyReference(_ id: String) -> JSON {
        reference(
            "escalation_policy", id, directory.policy(id)?.name, in: "escalation_policies")
    }

    func teamReference(_ id: String) -> JSON {
        reference("team", id, directory.team(id)?.name, in: "teams")
    }

    /// PagerDuty has no page for a single priority.
    func priorityReference(_ id: String) -> JSON {
        reference(
            "priority", id, directory.priority(id)?.name, in: "priorities",
            page: "\(webURL)/account/settings/incidents")
    }

    /// V3 shows the bare title, REST and V2 put the number before it.
    func incidentReference(_ incident: SandboxIncident, isNumbered: Bool = false) -> JSON {
        reference(
            "incident", incident.id,
            isNumbered ? "[#\(incident.number)] \(incident.title)" : incident.title,
            in: "incidents")
    }

    func reference(to agent: SandboxIncident.Agent) -> JSON {
        switch agent {
        case .user(let id): userReference(id)
        case .service(let id): serviceReference(id)
        case .integration(let service):
            [
                "html_url": .string("\(webURL)/services/\(service)/integrations/PINTEV2"),
                "id": "PINTEV2",
                "self": .string("\(baseURL)/services/\(service)/integrations/PINTEV2"),
                "summary": "Events API v2", "type": "inbound_integration_reference",
            ]
        case .automation: .null
        }
    }

    /// The incident as REST shows it. V2 webhooks add to it.
    func restView(of incident: SandboxIncident, including parts: [String] = []) -> JSON {
        var view: JSON = [
            "incident_number": JSON(incident.number),
            "title": .string(incident.title),
            "description": .string(incident.title),
            "created_at": .string(incident.createdAt.wholeSeconds),
            "updated_at": .string(incident.updatedAt.wholeSeconds),
            "status": .string(incident.status.rawValue),
            "incident_key": JSON(incident.key),
            "service": serviceReference(incident.serviceID),
            "assignments": .array(
                incident.assignments.map {
                    ["at": .string($0.at.wholeSeconds), "assignee": userReference($0.userID)]
                }),
            "assigned_via": incident.isDirectlyAssigned
                ? "direct_assignment" : "escalation_policy",
            "last_status_change_at": .string(incident.changedStatusAt.wholeSeconds),
            "resolved_at": JSON(incident.resolvedAt?.wholeSeconds),
            "first_trigger_log_entry": firstLogEntry(of: incident),
            "alert_counts": ["all": 0, "triggered": 0, "resolved": 0],
            "is_mergeable": .bool(incident.isOpen),
            "incident_type": ["name": .string(incident.type)],
            "escalation_policy": policyReference(incident.policyID),
            "teams": .array(incident.teamIDs.map(teamReference)),
            "pending_actions": [],
            "acknowledgements": .array(
                incident.acknowledgements.map {
                    ["at": .string($0.at.wholeSeconds), "acknowledger": userReference($0.userID)]
                }),
            "last_status_change_by": reference(to: incident.changedStatusBy),
            "priority": incident.priorityID.map(priorityView) ?? .null,
            "resolve_reason": resolveReason(of: incident),
            "urgency": .string(incident.urgency.rawValue),
            "id": .string(incident.id),
            "type": "incident",
            "summary": .string("[#\(incident.number)] \(incident.title)"),
            "self": .string("\(baseURL)/incidents/\(incident.id)"),
            "html_url": .string("\(webURL)/incidents/\(incident.id)"),
        ]
        if parts.contains("body"), let details = incident.details {
            view = view.with(["body": ["type": "incident_body", "details": .string(details)]])
        }
        if parts.contains("conference_bridge") {
            view = view.with(["conference_bridge": incident.bridge])
        }
        return view
    }

    /// The `data` of a V3 webhook: no description, no alerts, no previous values (PagerDuty.md 8).
    func v3View(of incident: SandboxIncident) -> JSON {
        [
            "id": .string(incident.id),
            "type": "incident",
            "self": .string("\(baseURL)/incidents/\(incident.id)"),
            "html_url": .string("\(webURL)/incidents/\(incident.id)"),
            "number": JSON(incident.number),
            "status": .string(incident.status.rawValue),
            "incident_key": JSON(incident.key),
            "created_at": .string(incident.createdAt.wholeSeconds),
            "reopened_at": JSON(incident.reopenedAt?.wholeSeconds),
            "title": .string(incident.title),
            "service": serviceReference(incident.serviceID),
            "assignees": .array(incident.assignments.map { userReference($0.userID) }),
            "escalation_policy": policyReference(incident.policyID),
            "teams": .array(incident.teamIDs.map(teamReference)),
            "priority": incident.priorityID.map(priorityReference) ?? .null,
            "urgency": .string(incident.urgency.rawValue),
            "conference_bridge": incident.bridge,
            "resolve_reason": resolveReason(of: incident),
            "incident_type": ["name": .string(incident.type)],
        ]
    }

    private func resolveReason(of incident: SandboxIncident) -> JSON {
        guard let target = incident.mergedInto.flatMap({ incidents[$0] }) else { return .null }
        return ["type": "merge_resolve_reason", "incident": incidentReference(target)]
    }

    private func firstLogEntry(of incident: SandboxIncident) -> JSON {
        guard let first = incident.log.first else { return .null }
        return reference("trigger_log_entry", first.id, first.summary, in: "log_entries")
    }

    func priorityView(_ id: String) -> JSON {
        guard let priority = directory.priority(id) else { return .null }
        return priorityReference(id).with([
            "type": "priority", "name": .string(priority.name),
            "description": .string(priority.description),
        ])
    }

    func view(of note: SandboxNote) -> JSON {
        [
            "id": .string(note.id),
            "user": note.userID.map(userReference) ?? .null,
            "channel": ["summary": "The PagerDuty website or APIs"],
            "content": .string(note.content),
            "created_at": .string(note.createdAt.wholeSeconds),
            "updated_at": .string(note.updatedAt.wholeSeconds),
        ]
    }

    func view(of entry: SandboxIncident.LogEntry, in incident: SandboxIncident) -> JSON {
        var view: JSON = [
            "id": .string(entry.id), "type": .string(entry.type),
            "summary": .string(entry.summary),
            "self": .string("\(baseURL)/log_entries/\(entry.id)"),
            "html_url": .null,
            "created_at": .string(entry.at.wholeSeconds),
            "agent": reference(to: entry.agent),
            "channel": entry.channel,
            "service": serviceReference(incident.serviceID),
            "incident": incidentReference(incident, isNumbered: true),
            "teams": .array(incident.teamIDs.map(teamReference)),
            "contexts": [],
        ]
        if !entry.assigneeIDs.isEmpty {
            view = view.with(["assignees": .array(entry.assigneeIDs.map(userReference))])
        }
        return view
    }
}
