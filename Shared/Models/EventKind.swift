/// The kind of an event, in vendor-neutral names: V2's nine and V3's thirty kinds meet here. It is
/// an open set: a kind that a vendor adds is logged and ignored, never refused.
public enum EventKind: Hashable, Sendable {
    case incident(IncidentChange)
    case service(String)
    case record(RecordChange)
    case ping
    case unknown(String)

    /// The change of an incident, as webhooks name it (PagerDuty.md 4 and 30).
    public enum IncidentChange: String, CaseIterable, Sendable {
        case triggered, acknowledged, unacknowledged, resolved, reassigned, escalated, delegated
        case reopened
        case priorityUpdated = "priority_updated"
        case serviceUpdated = "service_updated"
        case incidentTypeChanged = "incident_type.changed"
        case annotated
        case statusUpdatePublished = "status_update_published"
        case responderAdded = "responder.added"
        case responderReplied = "responder.replied"
        case roleAssigned = "role.assigned"
        case conferenceBridgeUpdated = "conference_bridge.updated"
        case customFieldValuesUpdated = "custom_field_values.updated"
        case taskCreated = "task.created"
        case taskUpdated = "task.updated"
        case taskCompleted = "task.completed"
        case actionInvocationCreated = "action_invocation.created"
        case actionInvocationUpdated = "action_invocation.updated"
        case actionInvocationTerminated = "action_invocation.terminated"
        case workflowStarted = "workflow.started"
        case workflowCompleted = "workflow.completed"
        /// A Custom Incident Action; V3 has no such event (PagerDuty.md 14).
        case custom
    }

    public enum RecordChange: String, CaseIterable, Sendable {
        case created, updated
    }
}

extension EventKind: RawRepresentable {
    public init(rawValue: String) {
        let parts = rawValue.split(separator: ".", maxSplits: 1).map(String.init)
        self =
            switch (parts.first, parts.count > 1 ? parts[1] : "") {
            case ("incident", let change):
                IncidentChange(rawValue: change).map(Self.incident)
                    ?? .unknown(rawValue)
            case ("record", let change):
                RecordChange(rawValue: change).map(Self.record)
                    ?? .unknown(rawValue)
            case ("service", let change) where !change.isEmpty: .service(change)
            case ("ping", ""): .ping
            case (_, _): .unknown(rawValue)
            }
    }

    public var rawValue: String {
        switch self {
        case .incident(let change): "incident.\(change.rawValue)"
        case .service(let change): "service.\(change)"
        case .record(let change): "record.\(change.rawValue)"
        case .ping: "ping"
        case .unknown(let name): name
        }
    }
}

extension EventKind: CustomStringConvertible {
    public var description: String { rawValue }
}
