import HTTP
import JSON
import Models

/// `/incidents` (PagerDuty.md 45 to 52).
extension SandboxPagerDuty {
    static let bulkIncidentsMax = 250

    mutating func createIncident(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        let agent = try author(of: call)
        let wish = try IncidentCreateRequest(try call.object("incident"), in: self)
        let incident = try create(wish, by: agent, at: call.at)
        return .json(201, ["incident": restView(of: incident)])
    }

    /// Born acknowledged when its only assignee is who makes it: two webhooks. `isKeyless`: from
    /// the Events API, where the key is the alert's.
    mutating func create(
        _ wish: IncidentCreateRequest, by agent: SandboxIncident.Agent, at now: Timestamp,
        channel: String = "api",
        isKeyless: Bool = false
    ) throws(PagerDutyError) -> SandboxIncident {
        if let key = wish.key, openIncident(service: wish.serviceID, key: key) != nil {
            throw .arguments(Self.duplicateKey)
        }
        let service = directory.service(wish.serviceID)
        let policyID = wish.policyID ?? service?.policyID ?? ""
        var incident = SandboxIncident(
            id: ids.long(), number: incidentOrder.count + 1,
            key: isKeyless ? nil : wish.key ?? ids.hexadecimal(32),
            createdAt: now, details: wish.details, title: wish.title, serviceID: wish.serviceID,
            policyID: policyID, teamIDs: service?.teamIDs ?? [], urgency: wish.urgency,
            priorityID: wish.priorityID, type: wish.type, updatedAt: now, changedStatusAt: now,
            changedStatusBy: agent, bridge: wish.bridge)
        if let assignee = wish.assigneeID {
            incident.assignments = [UserStamp(userID: assignee, at: now)]
            incident.isDirectlyAssigned = true
        } else {
            incident.assignments = marks(ofLevel: 1, of: policyID, at: now)
        }
        incidentOrder.append(incident.id)
        keep(incident)
        record(.triggered, on: incident.id, by: agent, at: now, channel: ["type": .string(channel)])
        if let assignee = wish.assigneeID, assignee == agent.userID {
            try apply(.status(.acknowledge), to: incident.id, by: agent, at: now)
        }
        return try self.incident(incident.id)
    }

    func getIncident(_ call: PagerDutyCall, _ id: String) throws(PagerDutyError) -> HTTPResponse {
        let incident = try incident(id)
        let view = restView(of: incident, including: call.query.list("include"))
        return .json(200, ["incident": view])
    }

    mutating func updateIncident(
        _ call: PagerDutyCall, _ id: String
    ) throws(PagerDutyError) -> HTTPResponse {
        let agent = try author(of: call)
        let changes = try changes(try call.object("incident"))
        let known = try incident(id).id
        try atomically(on: [known]) { (account) throws(PagerDutyError) in
            for change in changes { try account.apply(change, to: known, by: agent, at: call.at) }
        }
        return .json(200, ["incident": restView(of: try incident(known))])
    }

    mutating func updateIncidents(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        let agent = try author(of: call)
        guard let items = call.body["incidents"]?.array else {
            throw .invalid("Incidents must be a list.")
        }
        if items.count > Self.bulkIncidentsMax { throw .tooManyItems }
        let wishes = try items.map { (item) throws(PagerDutyError) in
            guard let id = item["id"]?.string else { throw .invalid("Incident id is missing.") }
            return (id: try incident(id).id, changes: try changes(item))
        }
        try atomically(on: wishes.map(\.id)) { (account) throws(PagerDutyError) in
            for wish in wishes {
                for change in wish.changes {
                    try account.apply(change, to: wish.id, by: agent, at: call.at)
                }
            }
        }
        let views = wishes.compactMap { incidents[$0.id] }.map { restView(of: $0) }
        return .json(200, ["incidents": .array(views)])
    }

    /// All or nothing: when a change is refused, the incidents are as before and nothing was told.
    private mutating func atomically(
        on ids: [String], _ body: (inout SandboxPagerDuty) throws(PagerDutyError) -> Void
    ) throws(PagerDutyError) {
        let before = ids.compactMap { incidents[$0] }
        let (told, done) = (outgoing.count, effects.count)
        do {
            try body(&self)
        } catch {
            before.forEach { keep($0) }
            outgoing.removeLast(outgoing.count - told)
            effects.removeLast(effects.count - done)
            throw error
        }
    }

    /// The parts of an update. A resolved incident takes no assignment: reopening comes first,
    /// resolving last.
    func changes(_ part: JSON) throws(PagerDutyError) -> [IncidentRequest] {
        let details = try detailChanges(part) + assignmentChanges(part)
        guard let status = part.present("status") else { return details }
        let change = try statusChange(status, part)
        if case .resolve = change { return details + [.status(change)] }
        return [.status(change)] + details
    }

    private func detailChanges(_ part: JSON) throws(PagerDutyError) -> [IncidentRequest] {
        var changes: [IncidentRequest] = []
        if let title = part.present("title") {
            guard let title = title.string, !title.isEmpty else {
                throw .invalid("Title cannot be empty.")
            }
            changes.append(.retitle(title))
        }
        if let urgency = part.present("urgency") {
            changes.append(.setUrgency(try self.urgency(urgency)))
        }
        if let priority = part["priority"] {
            changes.append(.setPriority(try priorityID(priority)))
        }
        if let service = part.present("service") {
            changes.append(.move(service: service["id"]?.string ?? ""))
        }
        if let type = part.present("incident_type")?["name"]?.string {
            changes.append(.setType(type))
        }
        if let bridge = part["conference_bridge"] { changes.append(.setBridge(bridge)) }
        return changes
    }

    private func assignmentChanges(_ part: JSON) throws(PagerDutyError) -> [IncidentRequest] {
        var changes: [IncidentRequest] = []
        if let policy = part.present("escalation_policy") {
            changes.append(.assign(.policy(policy["id"]?.string ?? "")))
        }
        if let level = part.present("escalation_level") {
            guard let level = level.int else { throw .cannotEscalate }
            changes.append(.assign(.level(level)))
        }
        if let assignments = part.present("assignments")?.array {
            changes.append(.assign(.users(assignments.map { $0["assignee"]?["id"]?.string ?? "" })))
        }
        return changes
    }

    private func statusChange(
        _ status: JSON, _ part: JSON
    ) throws(PagerDutyError) -> StatusRequest {
        switch status.string.flatMap(Incident.Status.init) {
        case .triggered: .trigger
        case .acknowledged: .acknowledge
        case .resolved: .resolve(resolution: part.present("resolution")?.string)
        case nil:
            throw .invalid("Status must be a list of triggered, acknowledged, or resolved.")
        }
    }

    func urgency(_ value: JSON) throws(PagerDutyError) -> Incident.Urgency {
        guard let urgency = value.string.flatMap(Incident.Urgency.init) else {
            throw .invalid("Urgency must be high or low.")
        }
        return urgency
    }

    /// A reference, a name, or null for none.
    func priorityID(_ value: JSON) throws(PagerDutyError) -> String? {
        if value.isNull { return nil }
        let found =
            value.string.flatMap(directory.priority(named:))
            ?? value["id"]?.string.flatMap { directory.priority($0) }
        guard let found else { throw .invalidPriority }
        return found.id
    }
}

/// A create request that has passed every check but the one for its key.
struct IncidentCreateRequest: Sendable {
    let title: String
    let serviceID: String
    var key: String?
    var details: String?
    var priorityID: String?
    var policyID: String?
    var assigneeID: String?
    var urgency = Incident.Urgency.high
    var type = "incident_default"
    var bridge: JSON = .null

    init(_ part: JSON, in account: SandboxPagerDuty) throws(PagerDutyError) {
        guard let title = part.present("title")?.string, !title.isEmpty else {
            throw .invalid("Title cannot be empty.")
        }
        guard let service = part.present("service") else {
            throw .invalid("Service cannot be empty.")
        }
        guard let serviceID = service["id"]?.string, account.directory.service(serviceID) != nil
        else { throw .arguments("Service not found") }
        self.title = title
        self.serviceID = serviceID
        key = part.present("incident_key")?.string
        try readDetails(part)
        try readAssignment(part, account)
        if let priority = part.present("priority") { priorityID = try account.priorityID(priority) }
        if let urgency = part.present("urgency") { self.urgency = try account.urgency(urgency) }
        type = part.present("incident_type")?["name"]?.string ?? type
        bridge = part["conference_bridge"] ?? .null
    }

    private mutating func readDetails(_ part: JSON) throws(PagerDutyError) {
        guard let details = part.present("body")?.present("details") else { return }
        guard let text = details.string else { throw .invalid("Body details must be a string.") }
        self.details = text
    }

    private mutating func readAssignment(
        _ part: JSON, _ account: SandboxPagerDuty
    ) throws(PagerDutyError) {
        let assignments = part.present("assignments")?.array ?? []
        let policy = part.present("escalation_policy")
        if !assignments.isEmpty && policy != nil {
            throw .invalid("Cannot specify both an escalation policy and assignments.")
        }
        if assignments.count > 1 { throw .invalid("Only one assignee is allowed.") }
        if let assignment = assignments.first {
            guard let id = assignment["assignee"]?["id"]?.string, account.directory.user(id) != nil
            else { throw .assigneeNotFound }
            assigneeID = id
        }
        if let policy {
            guard let id = policy["id"]?.string, account.directory.policy(id) != nil else {
                throw .policyNotFound
            }
            policyID = id
        }
    }
}
