import Models

/// Who goes first when a vendor's budget is short.
public enum CallUrgency: Int, CaseIterable, Comparable, Sendable {
    /// Can wait without harm.
    case low
    case ordinary
    /// Somebody is being paged, or should no longer be.
    case high
    /// The rest of something that has begun: what was spent on it must not be spent again.
    case begun

    public static func < (one: CallUrgency, other: CallUrgency) -> Bool {
        one.rawValue < other.rawValue
    }
}

extension Command {
    public var urgency: CallUrgency {
        switch self {
        case .createIncident, .updateIncident(_, .acknowledge), .updateIncident(_, .resolve): .high
        case .updateIncident(_, .setPriority), .updateIncident(_, .reassign), .startWorkflow,
            .runResponsePlay, .updateRecord, .createRecord, .deliver:
            .ordinary
        case .addNote, .addComment: .low
        }
    }
}
