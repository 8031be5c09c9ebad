import Models
import Store

/// The next thing that the lease loop does.
enum LeaseAction: Equatable {
    /// Settle these lanes and lease up to `lanesMax` others, in one round trip.
    case exchange(settling: [LaneSettlement], lanesMax: Int)
    /// Give back every lane that the database holds in this worker's name beyond these leases.
    case reclaim(keeping: [Fence])
    /// Do nothing for this time: the database failed.
    case pause(Duration)
    /// Do nothing until the next event.
    case wait
    /// End the loop: it was stopped, and no lane is in flight any more.
    case finish
}

/// The lanes that this worker works on and the settlements that it still owes: decides what the
/// lease loop does next, without clock or I/O.
struct LaneSlots {
    private let lanesMax: Int
    /// The most settlements of one exchange; more wait for the next one.
    private let settlementsMax: Int
    private var inFlight: [Fence: ConnectionID] = [:]
    private var settling: [LaneSettlement] = []
    private var mayBeDue = true
    /// True after an exchange without an answer: it may have leased lanes that no task works on.
    private var mayHoldUnknown = false
    private var pause: Duration?
    private var isStopping = false

    init(lanesMax: Int, settlementsMax: Int) {
        self.lanesMax = lanesMax
        self.settlementsMax = settlementsMax
    }

    /// The runs of these lanes are over; their settlements are not written yet.
    mutating func finished(_ settlements: [LaneSettlement]) {
        for settlement in settlements { inFlight[settlement.fence] = nil }
        settling += settlements
    }

    /// Lanes may be due: a notification came, the poll interval is over, or the last lease was
    /// lost.
    mutating func notified() { mayBeDue = true }

    mutating func stop() { isStopping = true }

    /// - Parameter asked: the number of lanes that the exchange asked for. If it leased that many,
    ///   more may be due.
    mutating func leased(_ lanes: [LeasedLane], asked: Int) {
        for lane in lanes { inFlight[lane.fence] = lane.connection }
        mayBeDue = lanes.count == asked && asked > 0
    }

    /// The room for lanes of each connection. While a vendor lets calls hang until they time out,
    /// the lanes of its connection stay. No connection gets more than two thirds of what the others
    /// leave: where several hang, slots are left for the next one.
    var room: LeaseRoom {
        let held = inFlight.values.reduce(into: [ConnectionID: Int]()) { $0[$1, default: 0] += 1 }
        let free = lanesMax - inFlight.count
        return LeaseRoom(
            ofConnections: held.mapValues { Self.twoThirds(of: free + $0) - $0 },
            ofOthers: Self.twoThirds(of: free))
    }

    /// Rounded so that one slot gives one.
    private static func twoThirds(of slots: Int) -> Int { (slots * 2 + 2) / 3 }

    /// The leases that this worker knows of: worked on, or finished and not settled yet.
    private var held: [Fence] { Array(inFlight.keys) + settling.map(\.fence) }

    /// The exchange failed: its settlements are still owed.
    ///
    /// - Parameter pause: the time until the next attempt, if the database did not answer.
    mutating func failed(_ owed: [LaneSettlement], pause: Duration?) {
        settling = owed + settling
        mayBeDue = true
        mayHoldUnknown = true
        self.pause = pause
    }

    mutating func reclaimed() { mayHoldUnknown = false }

    mutating func reclaimFailed(pause: Duration) { self.pause = pause }

    mutating func next() -> LeaseAction {
        if let pause {
            self.pause = nil
            return .pause(pause)
        }
        if mayHoldUnknown { return .reclaim(keeping: held) }
        // Connections that come at once share the two thirds that one would get.
        let free = isStopping ? 0 : Self.twoThirds(of: lanesMax - inFlight.count)
        if !settling.isEmpty || (mayBeDue && free > 0) {
            let batch = Array(settling.prefix(settlementsMax))
            settling.removeFirst(batch.count)
            return .exchange(settling: batch, lanesMax: free)
        }
        return isStopping && inFlight.isEmpty ? .finish : .wait
    }
}
