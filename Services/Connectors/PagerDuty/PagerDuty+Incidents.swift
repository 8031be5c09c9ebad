import HTTP
import JSON
import Models

/// A note on an incident.
public struct IncidentNote: Hashable, Sendable {
    public var id: String
    public var content: String

    init?(_ json: JSON?) {
        guard let id = json?.present("id")?.string else { return nil }
        self.id = id
        content = json?.present("content")?.string ?? ""
    }
}

extension PagerDuty {
    /// The result of creating an incident.
    public enum Creation: Hashable, Sendable {
        case created(Incident)
        /// It was open already with this key: an earlier attempt of ours created it.
        case adopted(Incident)

        public var incident: Incident {
            switch self {
            case .created(let incident), .adopted(let incident): incident
            }
        }
    }

    public func incident(_ id: IncidentID) async throws(Failure) -> Incident {
        try await reply(to: .get(try Self.path(id))) { Incident($0["incident"]) }
    }

    /// The open incidents of the service with this key, however old.
    public func incidents(
        incidentKey: String, service: String
    ) async throws(Failure) -> [Incident] {
        // An empty key would match every incident of the account (PagerDuty.md 48).
        guard !incidentKey.isEmpty else { throw Self.emptyKey }
        let call = Call.get(
            "/incidents",
            query: [
                ("incident_key", incidentKey), ("service_ids[]", service),
                ("statuses[]", "triggered"), ("statuses[]", "acknowledged"),
                ("date_range", "all"),
            ])
        return try await reply(to: call) { json in
            json["incidents"]?.array?.compactMap { Incident($0) }
                .filter { $0.service == nil || $0.service?.id == service }
        }
    }

    /// Creates the incident, or adopts the open one that has its `incidentKey` (PagerDuty.md 47).
    public func createIncident(_ new: NewIncident) async throws(Failure) -> Creation {
        guard !new.incidentKey.isEmpty else { throw Self.emptyKey }
        let call = Call(method: "POST", path: "/incidents", body: new.requestBody)
        let response = try await perform(call)
        guard response.status == 400, PagerDutyProblem(response).meaning == .duplicateKey else {
            return try Self.value(of: response) { Incident($0["incident"]).map(Creation.created) }
        }
        let found = try await incidents(incidentKey: new.incidentKey, service: new.service)
        let exact = found.first { $0.incidentKey == new.incidentKey }
        // The filter also matches the key of an incident's alert, where `incident_key` is null
        // (PagerDuty.md 9).
        if let incident = exact ?? found.first {
            return .adopted(incident)
        }
        // It was resolved between the two calls: the next attempt will create one.
        throw .retryable(.pagerDuty(response))
    }

    /// Updates the incident and returns it. PagerDuty refuses an update that changes nothing
    /// (PagerDuty.md 51); the status may then be further than asked for.
    public func updateIncident(
        _ id: IncidentID, _ update: IncidentUpdate
    ) async throws(Failure) -> Incident {
        let call = Call(method: "PUT", path: try Self.path(id), body: update.requestBody)
        let response = try await perform(call)
        if response.status == 400, PagerDutyProblem(response).meaning == .alreadyInState {
            let found = try await incident(id)
            if update.isReached(by: found) { return found }
        }
        return try Self.value(of: response) { Incident($0["incident"]) }
    }

    /// All notes of the incident, oldest first; at most 2,000 exist (PagerDuty.md 53).
    public func notes(_ id: IncidentID) async throws(Failure) -> [IncidentNote] {
        try await reply(to: .get(try Self.path(id) + "/notes")) { json in
            json["notes"]?.array?.compactMap { IncidentNote($0) }
        }
    }

    /// Adds a note. It is not repeatable: after an unknown outcome look through `notes` first.
    public func addNote(
        _ id: IncidentID, _ text: String
    ) async throws(Failure) -> IncidentNote {
        let body: JSON = ["note": ["content": .string(text)]]
        let call = Call(method: "POST", path: try Self.path(id) + "/notes", body: body)
        return try await reply(to: call) { IncidentNote($0["note"]) }
    }

    /// Starts an incident workflow and returns the id of the run. It is not repeatable
    /// (PagerDuty.md 54).
    public func startWorkflow(
        _ workflow: String, incident: IncidentID
    ) async throws(Failure) -> String? {
        let instance: JSON = [
            "incident": .reference("incident_reference", incident.rawValue)
        ]
        let call = Call(
            method: "POST", path: "/incident_workflows/\(try workflow.asPathSegment())/instances",
            body: ["incident_workflow_instance": instance])
        return try await reply(to: call) { json in
            .some(json["incident_workflow_instance"]?.present("id")?.string)
        }
    }

    /// The last documented form of a call that left the API reference in 2025 (PagerDuty.md 55).
    public func runResponsePlay(
        _ play: String, incident: IncidentID
    ) async throws(Failure) {
        let call = Call(
            method: "POST", path: "/response_plays/\(try play.asPathSegment())/run",
            body: ["incident": .reference("incident_reference", incident.rawValue)])
        try await reply(to: call) { _ in }
    }

    private static func path(_ id: IncidentID) throws(Failure) -> String {
        "/incidents/\(try id.rawValue.asPathSegment())"
    }

    private static let emptyKey = Failure.refused(
        "incidentKeyEmpty", "an incident needs a key by which it can be found again")
}
