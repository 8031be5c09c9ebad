import HTTP
import JSON

/// Every endpoint that the stand-in serves.
extension SandboxPagerDuty {
    mutating func route(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        if let response = try routeIncidents(call) { return response }
        if let response = try routeIncidentParts(call) { return response }
        if let response = try routeDirectory(call) { return response }
        if let response = try routeWebhooks(call) { return response }
        throw .notFound
    }

    private mutating func routeIncidents(
        _ call: PagerDutyCall
    ) throws(PagerDutyError) -> HTTPResponse? {
        switch call {
        case "GET /incidents": try listIncidents(call)
        case "POST /incidents": try createIncident(call)
        case "PUT /incidents": try updateIncidents(call)
        case "GET /incidents/{}": try getIncident(call, call[1])
        case "PUT /incidents/{}": try updateIncident(call, call[1])
        case "PUT /incidents/{}/merge": try merge(call, call[1])
        case "POST /incidents/{}/snooze": try snooze(call, call[1])
        case "POST /incident_workflows/{}/instances": try startWorkflow(call, call[1])
        case "POST /response_plays/{}/run": try runPlay(call, call[1])
        default: nil
        }
    }

    private mutating func routeIncidentParts(
        _ call: PagerDutyCall
    ) throws(PagerDutyError) -> HTTPResponse? {
        switch call {
        case "GET /incidents/{}/notes": try listNotes(call[1])
        case "POST /incidents/{}/notes": try createNote(call, call[1])
        case "PUT /incidents/{}/notes/{}": try changeNote(call, call[1], call[3])
        case "DELETE /incidents/{}/notes/{}": try changeNote(call, call[1], call[3])
        case "POST /incidents/{}/status_updates": try createStatusUpdate(call, call[1])
        case "POST /incidents/{}/responder_requests": try requestResponders(call, call[1])
        case "GET /incidents/{}/log_entries": try listLogEntries(call, of: call[1])
        case "GET /incidents/{}/alerts": try listAlerts(call, of: call[1])
        case "GET /log_entries": try listLogEntries(call, of: nil)
        default: nil
        }
    }

    private func routeDirectory(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse? {
        let all = directory
        return switch call {
        case "GET /abilities":
            .json(200, ["abilities": .array(all.abilities.map(JSON.string))])
        case "GET /abilities/{}": try getAbility(call[1])
        case "GET /users": try list(all.users, [\.name, \.email], call, under: "users", view)
        case "GET /users/me": getMe(call)
        case "GET /users/{}": try one(all.user(call[1]), under: "user", view)
        case "GET /teams": try list(all.teams, [\.name], call, under: "teams", view)
        case "GET /teams/{}": try one(all.team(call[1]), under: "team", view)
        case "GET /services": try list(all.services, [\.name], call, under: "services", view)
        case "GET /services/{}": try one(all.service(call[1]), under: "service", view)
        case "GET /escalation_policies":
            try list(all.policies, [\.name], call, under: "escalation_policies", view)
        case "GET /escalation_policies/{}":
            try one(all.policy(call[1]), under: "escalation_policy", view)
        case "GET /priorities": try listPriorities(call)
        case "GET /incident_workflows":
            try list(all.workflows, [\.name], call, under: "incident_workflows", view)
        case "GET /incident_workflows/{}":
            try one(all.workflow(call[1]), under: "incident_workflow", view)
        case "GET /response_plays":
            try list(all.plays, [\.name], call, under: "response_plays", view)
        default: nil
        }
    }

    private mutating func routeWebhooks(
        _ call: PagerDutyCall
    ) throws(PagerDutyError) -> HTTPResponse? {
        switch call {
        case "GET /webhook_subscriptions": try listSubscriptions(call)
        case "POST /webhook_subscriptions": try createSubscription(call)
        case "GET /webhook_subscriptions/{}": try getSubscription(call[1])
        case "PUT /webhook_subscriptions/{}": try updateSubscription(call, call[1])
        case "DELETE /webhook_subscriptions/{}": try deleteSubscription(call[1])
        case "POST /webhook_subscriptions/{}/enable": try enableSubscription(call[1])
        case "POST /webhook_subscriptions/{}/ping": try pingSubscription(call, call[1])
        case "GET /extensions": try listExtensions(call)
        case "POST /extensions": try createExtension(call)
        case "GET /extensions/{}": try getExtension(call[1])
        case "PUT /extensions/{}": try updateExtension(call, call[1])
        case "DELETE /extensions/{}": try deleteExtension(call[1])
        case "POST /extensions/{}/enable": try enableExtension(call[1])
        case "GET /extension_schemas": try listExtensionSchemas(call)
        default: nil
        }
    }
}
