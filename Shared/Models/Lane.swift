/// What keeps its order within a connection: one incident, one record, one service.
public struct LaneKey: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static func incident(_ id: IncidentID) -> LaneKey { LaneKey("incident:\(id)") }
    /// Keyed by the 15 characters that are the record's identity.
    public static func record(_ id: RecordID) -> LaneKey { LaneKey("record:\(id.key)") }
    public static func service(_ id: String) -> LaneKey { LaneKey("service:\(id)") }
    /// For what concerns no incident and no record: pings, kinds that we do not know.
    public static let connection: LaneKey = "connection"
}

/// An event in its lane.
public struct Job: Hashable, Sendable {
    /// 1, 2, 3 ... without a gap within the lane.
    public let sequence: Int64
    /// Which partition of the log holds it.
    public let segment: Int32
    public let event: Event

    public init(sequence: Int64, segment: Int32, event: Event) {
        self.sequence = sequence
        self.segment = segment
        self.event = event
    }
}

/// A lane that this worker holds, with the jobs at its head in order.
public struct LeasedLane: Hashable, Sendable {
    public let id: Int64
    public let connection: ConnectionID
    public let key: LaneKey
    /// Every write after the lease carries it; a newer one means that the lease was lost.
    public let epoch: Int64
    /// 1 for the first attempt at the job at the head.
    public let attempt: Int
    public let jobs: [Job]

    public init(
        id: Int64, connection: ConnectionID, key: LaneKey, epoch: Int64, attempt: Int, jobs: [Job]
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

/// The proof that a write after a lease is still entitled.
public struct Fence: Hashable, Sendable {
    public let lane: Int64
    public let epoch: Int64

    public init(lane: Int64, epoch: Int64) {
        self.lane = lane
        self.epoch = epoch
    }
}
