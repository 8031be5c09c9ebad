import JSON
import Models

/// An incident of the stand-in. What happens to it is decided in `IncidentChanges.swift`.
struct SandboxIncident: Sendable {
    /// The author of a change. `automation` shows as a null agent.
    enum Agent: Equatable, Sendable {
        case user(String)
        case service(String)
        case integration(service: String)
        case automation

        var userID: String? { if case .user(let id) = self { id } else { nil } }
    }

    struct LogEntry: Sendable {
        let id: String
        /// `trigger_log_entry`, `acknowledge_log_entry` ...
        let type: String
        let summary: String
        let at: Timestamp
        let agent: Agent
        /// The type and the members of this kind of channel.
        let channel: JSON
        var assigneeIDs: [String] = []
    }

    let id: String
    let number: Int
    /// `nil` when the incident came from the Events API: the key is then on the alert.
    let key: String?
    let createdAt: Timestamp
    let details: String?
    var title: String
    var serviceID: String
    var policyID: String
    var level = 1
    var teamIDs: [String]
    var status = Incident.Status.triggered
    var urgency = Incident.Urgency.high
    var priorityID: String?
    var type = "incident_default"
    var assignments: [UserStamp] = []
    var isDirectlyAssigned = false
    var acknowledgements: [UserStamp] = []
    var updatedAt: Timestamp
    var reopenedAt: Timestamp?
    var resolvedAt: Timestamp?
    var changedStatusAt: Timestamp
    var changedStatusBy: Agent
    var mergedInto: String?
    var bridge: JSON = .null
    var notes: [SandboxNote] = []
    var log: [LogEntry] = []

    var isOpen: Bool { status != .resolved }
}

struct SandboxNote: Sendable {
    let id: String
    var content: String
    let userID: String?
    let createdAt: Timestamp
    var updatedAt: Timestamp
}

struct UserStamp: Sendable {
    let userID: String
    let at: Timestamp
}

/// A change that the API or a person asks of an incident.
enum IncidentRequest: Sendable {

    case status(StatusRequest)
    case assign(AssignmentRequest)
    case retitle(String)
    case setUrgency(Incident.Urgency)
    case setPriority(String?)
    case setType(String)
    case setBridge(JSON)
    case move(service: String)
}

enum AssignmentRequest: Sendable {
    case users([String])
    case policy(String)
    case level(Int)
}

enum StatusRequest: Sendable {
    case acknowledge
    /// Withdraws an acknowledgement, or reopens a resolved incident.
    case trigger
    /// `resolution` is kept in the log entry and shown nowhere else.
    case resolve(resolution: String?)
    case merge(into: String)
}

/// A change as webhooks report it.
enum IncidentOccurrence: Sendable {
    case triggered, acknowledged, unacknowledged, resolved, reopened
    case reassigned, escalated, delegated
    case priorityUpdated, serviceUpdated, typeChanged
    case bridgeUpdated
    case annotated(SandboxNote)
    case statusUpdatePublished(id: String, message: String)
    case responderAdded(userID: String?, policyID: String?, message: String)
    case workflowStarted(workflowID: String, instanceID: String)
    case workflowCompleted(workflowID: String, instanceID: String)

    /// The name in V3 webhooks (PagerDuty.md 4).
    var v3Name: String {
        switch self {
        case .triggered: "incident.triggered"
        case .acknowledged: "incident.acknowledged"
        case .unacknowledged: "incident.unacknowledged"
        case .resolved: "incident.resolved"
        case .reopened: "incident.reopened"
        case .reassigned: "incident.reassigned"
        case .escalated: "incident.escalated"
        case .delegated: "incident.delegated"
        case .priorityUpdated: "incident.priority_updated"
        case .serviceUpdated: "incident.service_updated"
        case .typeChanged: "incident.incident_type.changed"
        case .bridgeUpdated: "incident.conference_bridge.updated"
        case .annotated: "incident.annotated"
        case .statusUpdatePublished: "incident.status_update_published"
        case .responderAdded: "incident.responder.added"
        case .workflowStarted: "incident.workflow.started"
        case .workflowCompleted: "incident.workflow.completed"
        }
    }

    /// The name in V2 webhooks, which know fewer kinds (PagerDuty.md 30).
    var v2Name: String? {
        switch self {
        case .triggered: "incident.trigger"
        case .acknowledged: "incident.acknowledge"
        case .unacknowledged: "incident.unacknowledge"
        case .resolved: "incident.resolve"
        case .reassigned: "incident.assign"
        case .escalated: "incident.escalate"
        case .delegated: "incident.delegate"
        case .annotated: "incident.annotate"
        case .reopened, .priorityUpdated, .serviceUpdated, .typeChanged, .bridgeUpdated,
            .statusUpdatePublished, .responderAdded, .workflowStarted, .workflowCompleted:
            nil
        }
    }
}
