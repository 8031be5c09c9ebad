import Models

/// The order in which calls go when a vendor's budget is short.
public enum CallUrgency: Int, CaseIterable, Comparable, Sendable {
    /// Can wait without harm, such as a note.
    case low
    case ordinary
    /// A person is being paged, or should no longer be.
    case high
    /// The rest of work that has begun: the calls spent on it must not be spent again.
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
