import HTTP
import JSON
import Models

/// The calls below an incident: notes, status updates, responders, snoozing, merging, workflows
/// (PagerDuty.md 53 to 55).
extension SandboxPagerDuty {
    static let notesMax = 2_000

    mutating func createNote(
        _ call: PagerDutyCall, _ id: String
    ) throws(PagerDutyError) -> HTTPResponse {
        let agent = try author(of: call)
        guard let content = try call.object("note").present("content")?.string, !content.isEmpty
        else { throw .invalid("Content cannot be empty.") }
        let note = try addNote(content, to: id, by: agent, at: call.at)
        return .json(200, ["note": view(of: note)])
    }

    mutating func addNote(
        _ content: String, to id: String, by agent: SandboxIncident.Agent, at now: Timestamp
    ) throws(PagerDutyError) -> SandboxNote {
        var incident = try incident(id)
        if incident.notes.count >= Self.notesMax {
            throw .limitReached("Incident has reached the maximum of \(Self.notesMax) notes.")
        }
        let note = SandboxNote(
            id: ids.long(), content: content, userID: agent.userID, createdAt: now, updatedAt: now)
        incident.notes.append(note)
        keep(incident)
        record(.annotated(note), on: incident.id, by: agent, at: now)
        return note
    }

    /// The whole array, without paging.
    func listNotes(_ id: String) throws(PagerDutyError) -> HTTPResponse {
        .json(200, ["notes": .array(try incident(id).notes.reversed().map(view))])
    }

    /// No webhook tells of an edit or a removal.
    mutating func changeNote(
        _ call: PagerDutyCall, _ id: String, _ noteID: String
    ) throws(PagerDutyError) -> HTTPResponse {
        var incident = try incident(id)
        guard let position = incident.notes.firstIndex(where: { $0.id == noteID }) else {
            throw .notFound
        }
        if call.call.method == "DELETE" {
            incident.notes.remove(at: position)
            keep(incident)
            return HTTPResponse(status: 204)
        }
        guard let content = try call.object("note").present("content")?.string else {
            throw .invalid("Content cannot be empty.")
        }
        incident.notes[position].content = content
        incident.notes[position].updatedAt = call.at
        keep(incident)
        return .json(200, ["note": view(of: incident.notes[position])])
    }

    mutating func createStatusUpdate(
        _ call: PagerDutyCall, _ id: String
    ) throws(PagerDutyError) -> HTTPResponse {
        let agent = try author(of: call)
        guard let message = call.body.present("message")?.string, !message.isEmpty else {
            throw .invalid("Message cannot be empty.")
        }
        let incident = try incident(id)
        let updateID = ids.short()
        record(
            .statusUpdatePublished(id: updateID, message: message), on: incident.id, by: agent,
            at: call.at)
        return .json(
            200,
            [
                "status_update": [
                    "id": .string(updateID), "message": .string(message),
                    "sender": reference(to: agent),
                    "created_at": .string(call.at.wholeSeconds),
                    "subject": call.body["subject"] ?? .null,
                    "html_message": call.body["html_message"] ?? .null,
                ]
            ])
    }

    mutating func requestResponders(
        _ call: PagerDutyCall, _ id: String
    ) throws(PagerDutyError) -> HTTPResponse {
        guard directory.abilities.contains("coordinated_responding") else {
            throw .missingAbility("coordinated_responding")
        }
        guard
            let requester = call.body.present("requester_id")?.string.flatMap({ directory.user($0) }
            )
        else { throw .invalid("Requester can't be blank") }
        let incident = try incident(id)
        let message = call.body.present("message")?.string ?? ""
        let targets = call.body.present("responder_request_targets")?.array ?? []
        for target in targets {
            guard let target = target["responder_request_target"], let who = target["id"]?.string
            else { throw .invalid("Responder request target is missing.") }
            let isPolicy = target["type"]?.string?.hasPrefix("escalation_policy") == true
            let users = isPolicy ? directory.policy(who)?.levels.first ?? [] : [who]
            for user in users {
                record(
                    .responderAdded(
                        userID: user, policyID: isPolicy ? who : nil, message: message),
                    on: incident.id, by: .user(requester.id), at: call.at)
            }
        }
        return .json(
            200,
            [
                "responder_request": [
                    "incident": incidentReference(incident, isNumbered: true),
                    "requester": userReference(requester.id),
                    "requested_at": .string(call.at.wholeSeconds), "message": .string(message),
                    "responder_request_targets": .array(targets),
                ]
            ])
    }

    mutating func snooze(
        _ call: PagerDutyCall, _ id: String
    ) throws(PagerDutyError) -> HTTPResponse {
        let agent = try author(of: call)
        guard let seconds = call.body["duration"]?.int, (1...604_800).contains(seconds) else {
            throw .invalid("Duration must be between 1 and 604800 seconds.")
        }
        var incident = try incident(id)
        guard incident.isOpen else { throw .alreadyResolved }
        incident.acknowledge(by: agent, at: call.at)
        keep(incident)
        effects.append("snoozed \(incident.id)")
        return .json(201, ["incident": restView(of: incident)])
    }

    mutating func merge(_ call: PagerDutyCall, _ id: String) throws(PagerDutyError) -> HTTPResponse
    {
        let agent = try author(of: call)
        let sources = call.body["source_incidents"]?.array?.compactMap { $0["id"]?.string } ?? []
        try merge(sources, into: id, by: agent, at: call.at)
        return .json(200, ["incident": restView(of: try incident(id))])
    }

    mutating func merge(
        _ sources: [String], into id: String, by agent: SandboxIncident.Agent, at now: Timestamp
    ) throws(PagerDutyError) {
        let target = try incident(id)
        guard target.isOpen else { throw .alreadyResolved }
        for source in sources {
            try apply(.status(.merge(into: target.id)), to: source, by: agent, at: now)
        }
    }

    /// No `From`: the run belongs to the workflow. It starts and completes at once.
    mutating func startWorkflow(
        _ call: PagerDutyCall, _ id: String
    ) throws(PagerDutyError) -> HTTPResponse {
        guard directory.abilities.contains("incident_workflows") else {
            throw .missingAbility("incident_workflows")
        }
        guard let workflow = directory.workflow(id) else { throw .notFound }
        guard workflow.isEnabled else { throw .invalid("Incident Workflow is not enabled.") }
        let wish = try call.object("incident_workflow_instance")
        guard let incidentID = wish["incident"]?["id"]?.string else {
            throw .invalid("Incident cannot be empty.")
        }
        let incident = try incident(incidentID)
        let instance = wish.present("id")?.string ?? ids.short()
        runWorkflow(id, instance: instance, on: incident.id, at: call.at)
        return .json(
            201,
            [
                "incident_workflow_instance": [
                    "id": .string(instance), "type": "incident_workflow_instance",
                    "incident": incidentReference(incident, isNumbered: true),
                ]
            ])
    }

    mutating func runWorkflow(
        _ workflow: String, instance: String, on id: String, at now: Timestamp
    ) {
        let happenings: [IncidentOccurrence] = [
            .workflowStarted(workflowID: workflow, instanceID: instance),
            .workflowCompleted(workflowID: workflow, instanceID: instance),
        ]
        effects.append("workflow \(workflow) on \(id)")
        for happening in happenings { record(happening, on: id, by: .automation, at: now) }
    }

    /// Left the vendor's reference in September 2025; kept for rules that were imported.
    mutating func runPlay(_ call: PagerDutyCall, _ id: String) throws(PagerDutyError)
        -> HTTPResponse
    {
        _ = try author(of: call)
        guard directory.plays.contains(where: { $0.id == id }) else { throw .notFound }
        guard let incidentID = try call.object("incident")["id"]?.string else { throw .notFound }
        effects.append("response_play \(id) on \(try incident(incidentID).id)")
        return .json(200, ["status": "ok"])
    }

    /// Incidents of the stand-in have no alerts.
    func listAlerts(_ call: PagerDutyCall, of id: String) throws(PagerDutyError) -> HTTPResponse {
        _ = try incident(id)
        return try page([JSON](), of: call, under: "alerts") { $0 }
    }

    func listLogEntries(
        _ call: PagerDutyCall, of id: String?
    ) throws(PagerDutyError) -> HTTPResponse {
        let chosen = try id.map { (id) throws(PagerDutyError) in [try incident(id)] }
        let all = chosen ?? incidentOrder.compactMap { incidents[$0] }
        let entries = all.flatMap { incident in incident.log.map { view(of: $0, in: incident) } }
        return try page(entries.reversed(), of: call, under: "log_entries") { $0 }
    }
}
