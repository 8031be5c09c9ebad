import JSON
import Models

/// An action of another user in PagerDuty: `{"do": .., "as": .., "incident": id or number, ..}`.
///
/// `as` is an e-mail address or a user id, `events_api` (an integration) or `automation` (no
/// agent). The default is the first user on call.
///
///     trigger        {"title", "service"?, "key"?, "priority"?, "urgency"?, "body"?, "assignee"?}
///     acknowledge, unacknowledge, reopen
///     resolve        {"note"?, "noteFirst"?: false} a note comes as a second webhook
///     reassign       {"to": [users]}
///     delegate       {"policy"}
///     escalate       {"level"?: 2}
///     note           {"text"}
///     priority       {"priority": id, name or null}
///     title {"title"}, urgency {"urgency"}, service {"service"}, type {"type"}
///     bridge         {"url"?, "number"?}
///     status_update  {"message"}
///     responders     {"users", "message"?}
///     workflow       {"workflow"} starts and completes
///     merge          {"into"}
///     custom_action  {"extension"} runs the action
///     ping           {"subscription"}
///
/// The answer is `{"incident": ..}` after the action.
extension SandboxPagerDuty {
    mutating func act(_ wish: JSON, at now: Timestamp) throws(PagerDutyError) -> JSON {
        let agent = try agent(wish)
        let name = wish["do"]?.string ?? ""
        if name == "trigger" {
            let incident = try trigger(wish, by: agent, at: now)
            return ["incident": restView(of: incident)]
        }
        if name == "ping" {
            let id = wish["subscription"]?.string
            guard let target = subscriptions.first(where: { $0.id == id }) else { throw .notFound }
            ping(target, by: agent, at: now)
            return [:]
        }
        let key = wish["incident"]?.string ?? wish["incident"]?.int.map(String.init) ?? ""
        let id = try incident(key).id
        if let change = try change(name, wish) {
            try apply(change, to: id, by: agent, at: now)
        } else {
            try actOtherwise(name, wish, on: id, by: agent, at: now)
        }
        return ["incident": restView(of: try incident(id))]
    }

    private func agent(_ wish: JSON) throws(PagerDutyError) -> SandboxIncident.Agent {
        let service = wish.present("service")?.string ?? directory.services.first?.id ?? ""
        switch wish.present("as")?.string {
        case "events_api": return .integration(service: service)
        case "automation": return .automation
        case nil: return .user(directory.policies.first?.levels.first?.first ?? "")
        case let name?:
            guard let user = directory.user(email: name) ?? directory.user(name) else {
                throw .requesterNotFound
            }
            return .user(user.id)
        }
    }

    private mutating func trigger(
        _ wish: JSON, by agent: SandboxIncident.Agent, at now: Timestamp
    ) throws(PagerDutyError) -> SandboxIncident {
        let service = wish.present("service") ?? JSON(directory.services.first?.id)
        var part: JSON = [
            "title": wish["title"] ?? .null, "service": ["id": service],
            "priority": wish["priority"] ?? .null, "urgency": wish["urgency"] ?? .null,
            "incident_key": wish["key"] ?? .null,
        ]
        if let details = wish.present("body") { part = part.with(["body": ["details": details]]) }
        if let user = wish.present("assignee") {
            part = part.with(["assignments": [["assignee": ["id": user]]]])
        }
        var isKeyless = false
        if case .integration = agent { isKeyless = true }
        return try create(
            try IncidentCreateRequest(part, in: self), by: agent, at: now,
            channel: isKeyless ? "api" : "web_trigger", isKeyless: isKeyless)
    }

    private func change(_ name: String, _ wish: JSON) throws(PagerDutyError) -> IncidentRequest? {
        switch name {
        case "acknowledge": return .status(.acknowledge)
        case "unacknowledge", "reopen": return .status(.trigger)
        case "merge":
            let target = wish["into"]?.string ?? wish["into"]?.int.map(String.init) ?? ""
            return .status(.merge(into: try incident(target).id))
        case "reassign":
            let names = (wish["to"]?.array ?? []).compactMap(\.string)
            return .assign(.users(names.map { directory.user(email: $0)?.id ?? $0 }))
        case "delegate": return .assign(.policy(wish["policy"]?.string ?? ""))
        case "escalate": return .assign(.level(wish.present("level")?.int ?? 2))
        case "title": return .retitle(wish["title"]?.string ?? "")
        case "urgency": return .setUrgency(try urgency(wish["urgency"] ?? .null))
        case "service": return .move(service: wish["service"]?.string ?? "")
        case "type": return .setType(wish["type"]?.string ?? "")
        case "bridge":
            return .setBridge([
                "conference_number": wish["number"] ?? .null,
                "conference_url": wish["url"] ?? .null,
            ])
        case "priority":
            let value = wish["priority"] ?? .null
            let isID = value.string.flatMap { directory.priority($0) } != nil
            return .setPriority(try priorityID(isID ? ["id": value] : value))
        default: return nil
        }
    }

    private mutating func actOtherwise(
        _ name: String, _ wish: JSON, on id: String, by agent: SandboxIncident.Agent,
        at now: Timestamp
    ) throws(PagerDutyError) {
        switch name {
        case "resolve":
            try resolve(id, wish, by: agent, at: now)
        case "note":
            _ = try addNote(wish["text"]?.string ?? "", to: id, by: agent, at: now)
        case "status_update":
            let message = wish["message"]?.string ?? ""
            record(
                .statusUpdatePublished(id: ids.short(), message: message), on: id, by: agent,
                at: now)
        case "responders":
            for user in (wish["users"]?.array ?? []).compactMap(\.string) {
                let userID = directory.user(email: user)?.id ?? user
                let message = wish.present("message")?.string ?? "Please help"
                record(
                    .responderAdded(userID: userID, policyID: nil, message: message), on: id,
                    by: agent, at: now)
            }
        case "workflow":
            guard let workflow = wish["workflow"]?.string.flatMap({ directory.workflow($0) }) else {
                throw .notFound
            }
            runWorkflow(workflow.id, instance: ids.short(), on: id, at: now)
        case "custom_action":
            let target = wish["extension"]?.string
            guard let target = extensions.first(where: { $0.id == target }) else { throw .notFound }
            try pressCustomAction(target, on: id, by: agent, at: now)
        default: throw .invalid("do: \(name) is not known")
        }
    }

    /// The note of a resolve is a note of its own, told before or after it (PagerDuty.md 13).
    private mutating func resolve(
        _ id: String, _ wish: JSON, by agent: SandboxIncident.Agent, at now: Timestamp
    ) throws(PagerDutyError) {
        let note = wish.present("note")?.string.map { "Resolution Note: \($0)" }
        let isNoteFirst = wish.present("noteFirst")?.bool ?? false
        guard try incident(id).isOpen else { throw .alreadyResolved }
        if let note, isNoteFirst { _ = try addNote(note, to: id, by: agent, at: now) }
        try apply(.status(.resolve(resolution: nil)), to: id, by: agent, at: now)
        if let note, !isNoteFirst { _ = try addNote(note, to: id, by: agent, at: now) }
    }
}
