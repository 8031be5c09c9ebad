extension EventKind.IncidentChange {
    /// The value of `incident.eventType`: the seven words of PagerDuty's Salesforce package
    /// (PagerDuty.md 36), and a word of the same form for each change that came later.
    public var ruleName: String {
        switch self {
        case .triggered: "trigger"
        case .acknowledged: "acknowledge"
        case .unacknowledged: "unacknowledge"
        case .resolved: "resolve"
        case .reassigned: "assign"
        case .escalated: "escalate"
        case .delegated: "delegate"
        case .reopened: "reopen"
        case .priorityUpdated: "priorityUpdate"
        case .serviceUpdated: "serviceUpdate"
        case .incidentTypeChanged: "incidentTypeChange"
        case .annotated: "annotate"
        case .statusUpdatePublished: "statusUpdatePublish"
        case .responderAdded: "responderAdd"
        case .responderReplied: "responderReply"
        case .roleAssigned: "roleAssign"
        case .conferenceBridgeUpdated: "conferenceBridgeUpdate"
        case .customFieldValuesUpdated: "customFieldValuesUpdate"
        case .taskCreated: "taskCreate"
        case .taskUpdated: "taskUpdate"
        case .taskCompleted: "taskComplete"
        case .actionInvocationCreated: "actionInvocationCreate"
        case .actionInvocationUpdated: "actionInvocationUpdate"
        case .actionInvocationTerminated: "actionInvocationTerminate"
        case .workflowStarted: "workflowStart"
        case .workflowCompleted: "workflowComplete"
        case .custom: "custom"
        }
    }
}
