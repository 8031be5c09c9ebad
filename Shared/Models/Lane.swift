/// The key within which a connection's events keep their order: one incident, one record, one
/// service.
public struct LaneKey: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static func incident(_ id: IncidentID) -> LaneKey { LaneKey("incident:\(id)") }
    /// The lane of a record, by the 15 characters that are its identity.
    public static func record(_ id: RecordID) -> LaneKey { LaneKey("record:\(id.key)") }
    public static func service(_ id: String) -> LaneKey { LaneKey("service:\(id)") }
    /// The lane of events that concern no incident and no record: pings and unknown kinds.
    public static let connection: LaneKey = "connection"
}

/// A lane's identity: a hash of its connection and key, the same in every database.
public struct LaneID: NumericIdentifier {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}

/// A day of the log, counted from 1970 by the database's clock: the partition that holds a job,
/// its effects and its settlement.
public struct Segment: NumericIdentifier {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// An event in its lane.
public struct Job: Hashable, Sendable {
    /// The position in the lane: 1, 2, 3 and so on, without a gap.
    public let sequence: Int64
    public let segment: Segment
    public let event: Event

    public init(sequence: Int64, segment: Segment, event: Event) {
        self.sequence = sequence
        self.segment = segment
        self.event = event
    }
}

/// A lane that this worker holds, with the jobs at its head in order.
public struct LeasedLane: Hashable, Sendable {
    public let id: LaneID
    public let connection: ConnectionID
    public let key: LaneKey
    /// The number of this lease, which every write after it carries; a newer one means that the
    /// lease was lost.
    public let epoch: Int64
    /// The attempt at the job at the head, from 1.
    public let attempt: Int
    public let jobs: [Job]

    public init(
        id: LaneID, connection: ConnectionID, key: LaneKey, epoch: Int64, attempt: Int, jobs: [Job]
    ) {
        self.id = id
        self.connection = connection
        self.key = key
        self.epoch = epoch
        self.attempt = attempt
        self.jobs = jobs
    }

    public var fence: Fence { Fence(lane: id, epoch: epoch) }
}

/// The lane and the epoch that a write after a lease carries; a lost lease refuses the write
/// (Queue.md 6).
public struct Fence: Hashable, Sendable {
    public let lane: LaneID
    public let epoch: Int64

    public init(lane: LaneID, epoch: Int64) {
        self.lane = lane
        self.epoch = epoch
    }
}
