import JSON
import Models
import Postgres

extension Store {
    /// Ends leases: writes the ledger and moves the lanes' cursors, in one commit.
    ///
    /// A settlement without events and with `.proceed` gives the lane back as it was and refunds
    /// the attempt.
    ///
    /// - Returns: the leases that were lost before. Nothing of their settlements was written.
    public func settle(_ settlements: [LaneSettlement]) async throws(StoreError) -> [Fence] {
        guard !settlements.isEmpty else { return [] }
        let columns = try SettlementColumns(settlements)
        guard let kept = try await runByIndex([columns.statement]).last else {
            throw .bug("no answer")
        }
        return try columns.lost(kept: kept)
    }
}

/// Settlements as the arrays that the statement unnests.
struct SettlementColumns {
    private let fences: [Fence]
    private var firsts: [Int64?] = []
    private var counts: [Int64] = []
    private var segments: [Segment?] = []
    private var delays: [Duration] = []
    private var refunds: [Bool] = []
    private var causes: [String?] = []
    private var ledger = LedgerColumns()

    /// - Throws: `.bug` if a lane comes twice, or the sequences of its events have a hole.
    init(_ settlements: [LaneSettlement]) throws(StoreError) {
        fences = settlements.map(\.fence)
        guard Set(fences).count == fences.count else { throw .bug("a lane is settled twice") }
        for lane in settlements {
            for (one, next) in zip(lane.settlements, lane.settlements.dropFirst())
            where next.job.sequence != one.job.sequence + 1 {
                throw .bug("settlements of lane \(lane.fence.lane) have a hole")
            }
            firsts.append(lane.settlements.first?.job.sequence)
            counts.append(Int64(lane.settlements.count))
            segments.append(lane.settlements.last?.job.segment)
            delays.append(lane.next.delay)
            refunds.append(lane.next.refundsAttempt)
            causes.append(lane.next.cause?.json.text)
            for settlement in lane.settlements { ledger.append(settlement, lane: lane.fence.lane) }
        }
    }

    /// The statement locks the lanes first, in their order. A settlement whose fence does not match
    /// is not written. The attempt belongs to the job at the head: after progress the next job has
    /// had one.
    var statement: SQL {
        """
        WITH settled AS MATERIALIZED (
            SELECT lane.lane_id, lane.done + input.count AS done, lane.owner, input.segment,
                input.delay, input.cause,
                greatest(0, CASE WHEN input.count > 0 THEN 1 ELSE lane.attempt END
                    - input.refunded::int) AS attempt
            FROM unnest(\(fences.map(\.lane)), \(fences.map(\.epoch)), \(firsts), \(counts),
                    \(segments), \(delays), \(refunds), \(causes))
                AS input (lane_id, epoch, first, count, segment, delay, refunded, cause)
            JOIN lane USING (lane_id)
            WHERE lane.epoch = input.epoch AND lane.state = 2
                AND (input.first IS NULL OR input.first = lane.done + 1)
            ORDER BY lane.lane_id FOR UPDATE OF lane),
        \(ledger.insertion),
        postponed AS (
            INSERT INTO postponement (lane_id, sequence, attempt, cause)
            SELECT lane_id, done + 1, attempt, cause FROM settled WHERE cause IS NOT NULL
            ON CONFLICT (lane_id) DO UPDATE SET (sequence, attempt, postponed_at, cause)
                = (excluded.sequence, excluded.attempt, now(), excluded.cause))
        UPDATE lane SET
            done = settled.done,
            segment = coalesce(settled.segment, lane.segment),
            attempt = settled.attempt,
            owner = NULL,
            state = CASE WHEN lane.tail > settled.done THEN 1 ELSE 0 END,
            ready_at = now() + settled.delay
        FROM settled WHERE lane.lane_id = settled.lane_id
        RETURNING lane.lane_id, lane.epoch
        """
    }

    func lost(kept rows: Rows) throws(StoreError) -> [Fence] {
        let kept = try rows.mapped { row throws(PostgresError) in
            let (lane, epoch) = try row.decoded(LaneID.self, Int64.self)
            return Fence(lane: lane, epoch: epoch)
        }
        let known = Set(kept)
        return fences.filter { !known.contains($0) }
    }
}

extension LaneSettlement.Next {
    private static let delayMax = Duration.seconds(30 * 86_400)

    fileprivate var delay: Duration {
        switch self {
        case .proceed: .zero
        case .retry(let delay, _, _): min(max(delay, .zero), Self.delayMax)
        }
    }

    /// True if the attempt does not count. A lane that was leased and not begun has had none.
    fileprivate var refundsAttempt: Bool {
        switch self {
        case .proceed: true
        case .retry(_, let refunds, _): refunds
        }
    }

    fileprivate var cause: Cause? {
        switch self {
        case .proceed: nil
        case .retry(_, _, let cause): cause
        }
    }
}
