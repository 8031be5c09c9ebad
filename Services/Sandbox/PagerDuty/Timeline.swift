import JSON
import Models

extension SandboxPagerDuty {
    /// The log entry of something that happened; its type is what V2 webhooks go by.
    mutating func entry(
        for happening: IncidentOccurrence, of incident: SandboxIncident,
        by agent: SandboxIncident.Agent,
        at now: Timestamp, channel: JSON
    ) -> SandboxIncident.LogEntry {
        let (type, summary) = Self.words(for: happening)
        var entry = SandboxIncident.LogEntry(
            id: ids.long(), type: type, summary: summary, at: now, agent: agent,
            channel: Self.channel(of: happening, else: channel))
        switch happening {
        case .triggered, .reassigned, .escalated, .delegated:
            entry.assigneeIDs = incident.assignments.map(\.userID)
        case .acknowledged, .unacknowledged, .resolved, .reopened, .priorityUpdated,
            .serviceUpdated, .typeChanged, .bridgeUpdated, .annotated, .statusUpdatePublished,
            .responderAdded, .workflowStarted, .workflowCompleted:
            break
        }
        return entry
    }

    private static func channel(of happening: IncidentOccurrence, else channel: JSON) -> JSON {
        guard case .annotated(let note) = happening else { return channel }
        return [
            "type": "note", "summary": .string(note.content), "content": .string(note.content),
        ]
    }

    private static func words(for happening: IncidentOccurrence) -> (type: String, summary: String)
    {
        switch happening {
        case .triggered: ("trigger_log_entry", "Triggered")
        case .acknowledged: ("acknowledge_log_entry", "Acknowledged")
        case .unacknowledged: ("unacknowledge_log_entry", "Unacknowledged")
        case .resolved: ("resolve_log_entry", "Resolved")
        case .reopened: ("reopen_log_entry", "Reopened")
        case .reassigned: ("assign_log_entry", "Reassigned")
        case .escalated: ("escalate_log_entry", "Escalated")
        case .delegated: ("delegate_log_entry", "Reassigned to an escalation policy")
        case .priorityUpdated: ("priority_change_log_entry", "Priority changed")
        case .serviceUpdated: ("field_value_change_log_entry", "Service changed")
        case .typeChanged: ("field_value_change_log_entry", "Incident type changed")
        case .bridgeUpdated: ("field_value_change_log_entry", "Conference bridge changed")
        case .annotated: ("annotate_log_entry", "Note added")
        case .statusUpdatePublished: ("status_update_log_entry", "Status update published")
        case .responderAdded: ("responder_request_log_entry", "Responder requested")
        case .workflowStarted: ("workflow_log_entry", "Workflow started")
        case .workflowCompleted: ("workflow_log_entry", "Workflow completed")
        }
    }
}
