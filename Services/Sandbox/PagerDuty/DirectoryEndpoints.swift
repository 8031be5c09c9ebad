import HTTP
import JSON

/// The things that incidents point at, read-only (PagerDuty.md 42 to 44).
extension SandboxPagerDuty {
    /// The real answer to an account key is one string where an object is usual.
    func getMe(_ call: PagerDutyCall) -> HTTPResponse {
        guard let user = call.key.userID.flatMap({ directory.user($0) }) else {
            return .json(
                400, ["error": "This action cannot be done with an account-level access token."])
        }
        return .json(200, ["user": view(user)])
    }

    func getAbility(_ name: String) throws(PagerDutyError) -> HTTPResponse {
        guard directory.abilities.contains(name) else { throw .missingAbility(name) }
        return HTTPResponse(status: 204)
    }

    func listPriorities(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        guard directory.abilities.contains("priorities") else {
            throw .missingAbility("priorities")
        }
        return try page(directory.priorities, of: call, under: "priorities") { priorityView($0.id) }
    }

    /// Those of which one of `texts` contains the `query`.
    func list<Element>(
        _ all: [Element], _ texts: [KeyPath<Element, String>], _ call: PagerDutyCall,
        under key: String, _ view: (Element) -> JSON
    ) throws(PagerDutyError) -> HTTPResponse {
        let query = call.query["query"]?.lowercased() ?? ""
        let found = all.filter { element in
            query.isEmpty || texts.contains { element[keyPath: $0].lowercased().contains(query) }
        }
        return try page(found, of: call, under: key, view)
    }

    func one<Element>(
        _ element: Element?, under key: String, _ view: (Element) -> JSON
    ) throws(PagerDutyError) -> HTTPResponse {
        guard let element else { throw .notFound }
        return .json(200, [key: view(element)])
    }

    func view(_ user: Directory.User) -> JSON {
        userReference(user.id).with([
            "type": "user", "name": .string(user.name), "email": .string(user.email),
            "time_zone": "Etc/UTC", "role": "user", "job_title": .null, "description": .null,
            "teams": [], "contact_methods": [], "notification_rules": [],
        ])
    }

    func view(_ team: Directory.Team) -> JSON {
        teamReference(team.id).with([
            "type": "team", "name": .string(team.name), "description": .null,
        ])
    }

    func view(_ service: DirectoryService) -> JSON {
        serviceReference(service.id).with([
            "type": "service", "name": .string(service.name), "description": .null,
            "status": "active", "alert_creation": "create_alerts_and_incidents",
            "escalation_policy": policyReference(service.policyID),
            "teams": .array(service.teamIDs.map(teamReference)),
            "incident_urgency_rule": ["type": "constant", "urgency": "high"],
            "auto_resolve_timeout": .null, "acknowledgement_timeout": 1800, "integrations": [],
        ])
    }

    func view(_ policy: Directory.Policy) -> JSON {
        let rules = policy.levels.enumerated().map { level, users -> JSON in
            [
                "id": .string("\(policy.id)\(level + 1)"),
                "escalation_delay_in_minutes": 30,
                "targets": .array(users.map(userReference)),
            ]
        }
        return policyReference(policy.id).with([
            "type": "escalation_policy", "name": .string(policy.name),
            "escalation_rules": .array(rules), "num_loops": 0, "services": [], "teams": [],
        ])
    }

    func view(_ workflow: Directory.Workflow) -> JSON {
        reference(
            "incident_workflow", workflow.id, workflow.name, in: "incident_workflows"
        ).with([
            "type": "incident_workflow", "name": .string(workflow.name), "description": .null,
            "is_enabled": .bool(workflow.isEnabled), "team": .null, "steps": [],
        ])
    }

    func view(_ play: Directory.Play) -> JSON {
        reference("response_play", play.id, play.name, in: "response_plays").with([
            "type": "response_play", "name": .string(play.name),
        ])
    }
}
