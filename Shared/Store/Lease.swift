import Models
import Postgres

public struct LeaseLimits: Sendable {
    public var lanesMax: Int
    public var room: LeaseRoom
    public var jobsPerLaneMax: Int
    /// The most bytes of payloads of one lane; the first job is leased whatever its size is. All
    /// lanes of a lease are in memory at once.
    public var bytesPerLaneMax: Int

    public init(
        lanesMax: Int, room: LeaseRoom = LeaseRoom(ofOthers: .max), jobsPerLaneMax: Int,
        bytesPerLaneMax: Int = 256 << 10
    ) {
        self.lanesMax = lanesMax
        self.room = room
        self.jobsPerLaneMax = jobsPerLaneMax
        self.bytesPerLaneMax = bytesPerLaneMax
    }
}

/// The number of lanes that may be leased of each connection.
public struct LeaseRoom: Equatable, Sendable {
    public var ofConnections: [ConnectionID: Int]
    /// The number for each connection that is not named.
    public var ofOthers: Int

    public init(ofConnections: [ConnectionID: Int] = [:], ofOthers: Int) {
        self.ofConnections = ofConnections
        self.ofOthers = ofOthers
    }
}

public struct Lease: Equatable, Sendable {
    /// The leased lanes, each with at least one job.
    public let lanes: [LeasedLane]
    /// The settlements whose lease was lost: nothing of them was written.
    public let lost: [Fence]

    public init(lanes: [LeasedLane], lost: [Fence]) {
        self.lanes = lanes
        self.lost = lost
    }
}

extension Store {
    /// Settles what the worker has finished and leases the next lanes, in one commit.
    ///
    /// Connections take turns. One that is switched off takes none, and its events wait. Of one
    /// connection the lane that waits longest comes first. The attempt is counted here, before the
    /// work begins, so that a crash counts as well. The cost does not depend on the number of
    /// waiting jobs.
    ///
    /// - Parameter generation: the generation of the worker's last `reclaim`; 0 before the first.
    /// - Throws: `.lostLease` if the worker expired: all of its leases are lost.
    public func lease(
        for worker: WorkerID, generation: Int64 = 0, limits: LeaseLimits,
        settling settlements: [LaneSettlement] = []
    ) async throws(StoreError) -> Lease {
        let columns = try SettlementColumns(settlements)
        let rooms = try await byNumber(limits.room)
        // The lock on the worker's row comes first, as in `rescue`: the worker cannot be rescued
        // during the lease.
        let settling = settlements.isEmpty ? [] : [columns.statement]
        let rows = try await runByIndex(
            [worker.lockStatement(generation)] + settling
                + [
                    worker.leaseStatement(
                        limits, generation: generation, rooms: rooms, from: floors.present)
                ])
        guard let registered = rows.first, let answer = rows.last else {
            throw .bug("no answer")
        }
        let moments = try registered.values(Double.self)
        guard let now = moments.first else { throw .lostLease }
        let lost = settlements.isEmpty ? [] : try columns.lost(kept: rows[1])
        let leased = try answer.mapped { row throws(PostgresError) in try LeasedRow(row) }
        floors.raise(by: leased.lazy.map { ($0.connection, $0.readyAt) }, at: now)
        let (lanes, unreadable) = readLanes(leased)
        if !unreadable.isEmpty { try await giveBack(unreadable) }
        return Lease(lanes: lanes, lost: lost)
    }

    /// The room of each connection, at the index of its number. Connections with nil, or beyond the
    /// end, have the room of the others.
    private func byNumber(_ room: LeaseRoom) async throws(StoreError) -> [Int64?] {
        var rooms: [Int64?] = []
        for (connection, lanes) in room.ofConnections {
            let number = Int(try await number(of: connection))
            while rooms.count <= number { rooms.append(nil) }
            rooms[number] = Int64(lanes)
        }
        return rooms
    }

    /// Gives back lanes without a job that can be read, for a later lease. Such a lane was locked
    /// in a newer version than the statement's snapshot of jobs (Queue.md 4), or its first job is
    /// one that only a newer program can read.
    private func giveBack(_ fences: [Fence]) async throws(StoreError) {
        let back = fences.map {
            LaneSettlement(
                fence: $0, settlements: [], next: .retry(after: .seconds(1), refundsAttempt: true))
        }
        _ = try await settle(back)
    }

    /// Groups the rows by lane and sorts them. The server would sort the payloads with them, on
    /// disk.
    private func readLanes(
        _ leased: [LeasedRow]
    ) -> (lanes: [LeasedLane], unreadable: [Fence]) {
        var lanes: [LeasedLane] = []
        var unreadable: [Fence] = []
        let byLane = Dictionary(grouping: leased, by: \.lane.id)
        for lane in byLane.sorted(by: { $0.key < $1.key }).map(\.value) {
            guard let first = lane.first else { continue }
            // Jobs after one that cannot be read have to wait.
            let jobs = lane.sorted { $0.sequence < $1.sequence }
                .prefix { $0.job != nil }.compactMap(\.job)
            if jobs.isEmpty {
                unreadable.append(first.lane.fence)
            } else {
                lanes.append(first.lane.holding(jobs))
            }
        }
        return (lanes, unreadable)
    }
}

extension WorkerID {
    fileprivate func lockStatement(_ generation: Int64) -> SQL {
        "SELECT extract(epoch FROM now())::float8 \(standing(generation)) FOR KEY SHARE"
    }

    private func standing(_ generation: Int64) -> SQL {
        """
        FROM worker
        WHERE id = \(self) AND expires_at > now() AND generation = \(generation)
        """
    }

    /// Connections take turns, in the order of their numbers from a random one on. The locked unit
    /// is a lane, so skipping a locked one reorders no events (Queue.md 1 and 20). Each step is
    /// materialized, so that no lock is taken twice (Queue.md 5).
    ///
    /// - Parameters:
    ///   - rooms: `limits.room` by the connection's number.
    ///   - floors: the moments of `LeaseFloors`.
    func leaseStatement(
        _ limits: LeaseLimits, generation: Int64 = 0, rooms: [Int64?] = [], from floors: [Double]
    ) -> SQL {
        """
        WITH origin AS MATERIALIZED (
            SELECT floor(random() * (1 + coalesce(max(number), 0)))::int AS number
            FROM connection),
        due AS MATERIALIZED (
            SELECT connection.number, lanes.floor, lanes.room FROM (
                (\(Self.connections(">="))) UNION ALL (\(Self.connections("<")))) AS connection,
            LATERAL (
                SELECT coalesce((\(rooms))[connection.number + 1],
                        \(limits.room.ofOthers)::bigint),
                    to_timestamp(coalesce((\(floors))[connection.number + 1], 0))
            ) AS lanes (room, floor),
            LATERAL (
                SELECT FROM lane
                WHERE state = 1 AND connection = connection.number
                    AND ready_at BETWEEN lanes.floor AND now()
                LIMIT 1) AS lane
            WHERE is_active AND blocked_until <= now() AND room > 0
            LIMIT \(Self.connectionsPerTurn)),
        picked AS MATERIALIZED (
            SELECT lane.lane_id FROM due, LATERAL (
                SELECT lane_id FROM lane
                WHERE state = 1 AND connection = due.number
                    AND ready_at BETWEEN due.floor AND now()
                ORDER BY ready_at
                LIMIT least(due.room, (
                    SELECT ceil(\(limits.lanesMax)::float8 / nullif(count(*), 0)) FROM due)::bigint)
                FOR UPDATE SKIP LOCKED) AS lane
            WHERE EXISTS (SELECT \(standing(generation)))
            LIMIT \(limits.lanesMax)),
        leased AS (
            UPDATE lane SET state = 2, owner = \(self), epoch = epoch + 1, attempt = attempt + 1
            FROM picked WHERE lane.lane_id = picked.lane_id
            RETURNING lane.*)
        SELECT lane.lane_id, connection.id, lane.key, lane.epoch, lane.attempt, job.*,
            lane.connection, extract(epoch FROM lane.ready_at)::float8
        FROM leased AS lane
        JOIN connection ON connection.number = lane.connection
        LEFT JOIN LATERAL (\(Self.headJobs(limits))) AS job ON true
        """
    }

    private static let connectionsPerTurn = 32

    private static func connections(_ comparison: String) -> SQL {
        """
        SELECT number, is_active, blocked_until FROM connection
        WHERE number \(unescaped: comparison) (SELECT number FROM origin) ORDER BY number
        """
    }

    private static func headJobs(_ limits: LeaseLimits) -> SQL {
        """
        SELECT segment, sequence, event_id, source, kind, format,
            (extract(epoch FROM occurred_at) * 1000)::bigint AS occurred, payload,
            replay_scope, replay_of, replay_effect_owner
        FROM (
            SELECT *, sum(octet_length(payload)) OVER (ORDER BY sequence) AS bytes
            FROM job
            WHERE job.lane_id = lane.lane_id
                AND job.segment BETWEEN lane.segment AND lane.tail_segment
                AND job.sequence > lane.done
                AND job.sequence <= lane.done + \(limits.jobsPerLaneMax)
        ) AS head
        WHERE head.bytes <= \(limits.bytesPerLaneMax) OR head.sequence = lane.done + 1
        """
    }
}

/// A row of the lease: a lane, and one of its jobs if there is one that can be read.
private struct LeasedRow {
    let lane: LeasedLane
    let connection: Int32
    /// Seconds since 1970 by the database's clock.
    let readyAt: Double
    let sequence: Int64
    let job: Job?

    init(_ row: Row) throws(PostgresError) {
        var row = row.reader
        let laneID: LaneID = try row.next()
        let id: String = try row.next()
        let key: String = try row.next()
        let epoch: Int64 = try row.next()
        let attempt: Int = try row.next()
        let segment: Segment? = try row.next()
        let sequence: Int64? = try row.next()
        let event: String? = try row.next()
        let source: String? = try row.next()
        let kind: String? = try row.next()
        let format: String? = try row.next()
        let occurred: Int64? = try row.next()
        let payload: [UInt8]? = try row.next()
        let replay = try ReplayColumns(reading: &row)
        connection = try row.next()
        readyAt = try row.next()
        try row.end()
        lane = LeasedLane(
            id: laneID, connection: ConnectionID(id), key: LaneKey(key), epoch: epoch,
            attempt: attempt, jobs: [])
        self.sequence = sequence ?? 0
        guard let segment, let sequence, let event, let kind, let occurred, let payload,
            let source = source.flatMap(EventSource.init(rawValue:)),
            let format = format.flatMap(EventFormat.init(rawValue:)), replay.isReadable
        else {
            job = nil
            return
        }
        job = Job(
            sequence: sequence, segment: segment,
            event: Event(
                id: EventID(event), connection: lane.connection, source: source,
                kind: EventKind(rawValue: kind), occurredAt: Timestamp(milliseconds: occurred),
                lane: lane.key, format: format, payload: payload, replay: replay.origin))
    }
}

extension LeasedLane {
    fileprivate func holding(_ jobs: [Job]) -> LeasedLane {
        LeasedLane(
            id: id, connection: connection, key: key, epoch: epoch, attempt: attempt, jobs: jobs)
    }
}
