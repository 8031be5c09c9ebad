import JSON
import Models

extension SandboxPagerDuty {
    /// Checks and performs one change, and tells of it. Nothing has changed when it throws.
    mutating func apply(
        _ change: IncidentRequest, to id: String, by agent: SandboxIncident.Agent, at now: Timestamp
    ) throws(PagerDutyError) {
        var incident = try incident(id)
        let happening = try perform(change, on: &incident, by: agent, at: now)
        incident.updatedAt = now
        keep(incident)
        guard let happening else { return }
        record(happening, on: incident.id, by: agent, at: now)
        if case .status(.acknowledge) = change {
            completeAcknowledgement(of: incident.id, by: agent, at: now)
        }
    }

    /// Writes the timeline and queues the webhooks.
    mutating func record(
        _ happening: IncidentOccurrence, on id: String, by agent: SandboxIncident.Agent,
        at now: Timestamp,
        channel: JSON = ["type": "website"]
    ) {
        guard var incident = incidents[id] else { return }
        let entry = entry(for: happening, of: incident, by: agent, at: now, channel: channel)
        incident.log.append(entry)
        incidents[id] = incident
        effects.append("\(happening.v3Name) \(id)")
        tell(of: happening, entry, incident, by: agent, at: now)
    }

    /// Stores the incident and which keys are taken.
    mutating func keep(_ incident: SandboxIncident) {
        let before = incidents.updateValue(incident, forKey: incident.id)
        if let before, let slot = Self.slot(of: before), openKeys[slot] == incident.id {
            openKeys[slot] = nil
        }
        if incident.isOpen, let slot = Self.slot(of: incident) { openKeys[slot] = incident.id }
    }

    private static func slot(of incident: SandboxIncident) -> String? {
        incident.key.map { slot(incident.serviceID, $0) }
    }

    private static func slot(_ service: String, _ key: String) -> String { "\(service) \(key)" }

    func openIncident(service: String, key: String) -> String? { openKeys[Self.slot(service, key)] }

    /// `nil` when no webhook tells of it: titles, urgencies, and what was so already.
    private func perform(
        _ change: IncidentRequest, on incident: inout SandboxIncident,
        by agent: SandboxIncident.Agent,
        at now: Timestamp
    ) throws(PagerDutyError) -> IncidentOccurrence? {
        switch change {
        case .status(let status):
            return try perform(status, on: &incident, by: agent, at: now)
        case .assign(let assignment):
            return try perform(assignment, on: &incident, at: now)
        case .retitle(let title):
            incident.title = title
            return nil
        case .setUrgency(let urgency):
            incident.urgency = urgency
            return nil
        case .setPriority(let priority):
            defer { incident.priorityID = priority }
            return incident.priorityID == priority ? nil : .priorityUpdated
        case .setType(let type):
            defer { incident.type = type }
            return incident.type == type ? nil : .typeChanged
        case .setBridge(let bridge):
            defer { incident.bridge = bridge }
            return incident.bridge == bridge ? nil : .bridgeUpdated
        case .move(let service):
            guard directory.service(service) != nil else { throw .arguments("Service not found") }
            defer { incident.serviceID = service }
            return incident.serviceID == service ? nil : .serviceUpdated
        }
    }

    private func perform(
        _ change: StatusRequest, on incident: inout SandboxIncident,
        by agent: SandboxIncident.Agent,
        at now: Timestamp
    ) throws(PagerDutyError) -> IncidentOccurrence? {
        switch (change, incident.status) {
        case (.acknowledge, .triggered):
            incident.acknowledge(by: agent, at: now)
            return .acknowledged
        case (.acknowledge, .acknowledged):
            throw .alreadyAcknowledged
        case (.acknowledge, .resolved), (.trigger, .resolved):
            if let key = incident.key, openIncident(service: incident.serviceID, key: key) != nil {
                throw .arguments(Self.duplicateKey)
            }
            incident.reopen(by: agent, at: now)
            incident.assignments = marks(ofLevel: 1, of: incident.policyID, at: now)
            return .reopened
        case (.trigger, .acknowledged):
            incident.acknowledgements = []
            incident.setStatus(.triggered, by: agent, at: now)
            return .unacknowledged
        case (.trigger, .triggered):
            return nil
        case (.resolve, .triggered), (.resolve, .acknowledged):
            incident.resolve(by: agent, at: now)
            return .resolved
        case (.resolve, .resolved):
            throw .alreadyResolved
        case (.merge(let target), .triggered), (.merge(let target), .acknowledged):
            incident.resolve(by: agent, at: now)
            incident.mergedInto = target
            return .resolved
        case (.merge, .resolved):
            throw .alreadyMerged
        }
    }

    private func perform(
        _ change: AssignmentRequest, on incident: inout SandboxIncident, at now: Timestamp
    ) throws(PagerDutyError) -> IncidentOccurrence {
        switch change {
        case .users(let users):
            guard incident.isOpen, !users.isEmpty else { throw .cannotReassign }
            if users.contains(where: { directory.user($0) == nil }) { throw .assigneeNotFound }
            incident.assignments = users.map { UserStamp(userID: $0, at: now) }
            incident.isDirectlyAssigned = true
            return .reassigned
        case .policy(let policy):
            guard incident.isOpen else { throw .cannotReassign }
            guard directory.policy(policy) != nil else { throw .policyNotFound }
            incident.policyID = policy
            assign(&incident, toLevel: 1, at: now)
            return .delegated
        case .level(let level):
            let levels = directory.policy(incident.policyID)?.levels.count ?? 0
            guard incident.isOpen, incident.urgency == .high, (1...max(1, levels)).contains(level)
            else { throw .cannotEscalate }
            assign(&incident, toLevel: level, at: now)
            return .escalated
        }
    }

    private func assign(_ incident: inout SandboxIncident, toLevel level: Int, at now: Timestamp) {
        incident.level = level
        incident.assignments = marks(ofLevel: level, of: incident.policyID, at: now)
        incident.isDirectlyAssigned = false
    }

    func marks(ofLevel level: Int, of policyID: String, at now: Timestamp) -> [UserStamp] {
        let levels = directory.policy(policyID)?.levels ?? []
        guard levels.indices.contains(level - 1) else { return [] }
        return levels[level - 1].map { UserStamp(userID: $0, at: now) }
    }

    /// An acknowledgement that reopened is now made. An assignment comes with every one, which only
    /// V2 tells of (PagerDuty.md 32).
    private mutating func completeAcknowledgement(
        of id: String, by agent: SandboxIncident.Agent, at now: Timestamp
    ) {
        guard var incident = incidents[id] else { return }
        if incident.status == .triggered {
            incident.acknowledge(by: agent, at: now)
            keep(incident)
            record(.acknowledged, on: id, by: agent, at: now)
        }
        tellOfAutomaticAssignment(of: id, at: now)
    }

    static let duplicateKey =
        "Open incident with matching dedup key already exists on this service"
}

extension SandboxIncident {
    mutating func setStatus(_ status: Incident.Status, by agent: Agent, at now: Timestamp) {
        self.status = status
        changedStatusAt = now
        changedStatusBy = agent
    }

    /// The acknowledger becomes the assignee of an incident that was another user's
    /// (PagerDuty.md 50).
    mutating func acknowledge(by agent: Agent, at now: Timestamp) {
        setStatus(.acknowledged, by: agent, at: now)
        guard let userID = agent.userID else { return }
        acknowledgements = [UserStamp(userID: userID, at: now)]
        if !assignments.contains(where: { $0.userID == userID }) {
            assignments = [UserStamp(userID: userID, at: now)]
        }
    }

    mutating func resolve(by agent: Agent, at now: Timestamp) {
        setStatus(.resolved, by: agent, at: now)
        assignments = []
        acknowledgements = []
        resolvedAt = now
    }

    mutating func reopen(by agent: Agent, at now: Timestamp) {
        setStatus(.triggered, by: agent, at: now)
        reopenedAt = now
        resolvedAt = nil
        mergedInto = nil
        level = 1
        isDirectlyAssigned = false
    }
}
