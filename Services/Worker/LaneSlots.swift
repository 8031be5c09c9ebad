import Models
import Store

/// How many lanes this worker works on at once and what it should do next: a decision without clock
/// or I/O. The loop tells it what happened and does what it says.
struct LaneSlots {
    enum Step: Equatable {
        /// Settle these and lease up to this many lanes, in one round trip.
        case exchange(settling: [LaneSettlement], lanesMax: Int)
        /// Give back whatever the database holds in this worker's name beyond these leases.
        case reclaim(keeping: [Fence])
        /// Nothing to do until somebody wakes the loop.
        case wait
        /// Stopped, and nothing is in flight any more.
        case finished
    }

    private let lanesMax: Int
    /// Settlements of one exchange; more wait for the next one.
    private let settlementsMax: Int
    private var inFlight: [Fence: ConnectionID] = [:]
    private var settling: [LaneSettlement] = []
    private var mayBeDue = true
    /// An exchange whose answer was lost may have leased lanes that nobody works on.
    private var mayHoldUnknown = false
    private var isStopping = false

    init(lanesMax: Int, settlementsMax: Int) {
        self.lanesMax = lanesMax
        self.settlementsMax = settlementsMax
    }

    /// A lane's turn is over; its settlement is not written yet.
    mutating func finished(_ settlements: [LaneSettlement]) {
        for settlement in settlements { inFlight[settlement.fence] = nil }
        settling += settlements
    }

    /// Somebody says that lanes may be due: a notification, the clock, the last lease.
    mutating func notified() { mayBeDue = true }

    mutating func stop() { isStopping = true }

    /// - Parameter asked: what the exchange asked for; as many lanes mean that more may be due.
    mutating func leased(_ lanes: [LeasedLane], asked: Int) {
        for lane in lanes { inFlight[lane.fence] = lane.connection }
        mayBeDue = lanes.count == asked && asked > 0
    }

    /// While a vendor lets calls hang until they time out, the lanes of its connection stay. No
    /// connection gets more than two thirds of what the others leave: where several hang, slots
    /// are left for the next one.
    var room: LeaseRoom {
        let held = inFlight.values.reduce(into: [ConnectionID: Int]()) { $0[$1, default: 0] += 1 }
        let free = lanesMax - inFlight.count
        return LeaseRoom(
            ofConnections: held.mapValues { Self.twoThirds(of: free + $0) - $0 },
            ofOthers: Self.twoThirds(of: free))
    }

    /// At least one of one.
    private static func twoThirds(of slots: Int) -> Int { (slots * 2 + 2) / 3 }

    /// The leases that this worker knows it has: worked on, or finished and not settled yet.
    private var held: [Fence] { Array(inFlight.keys) + settling.map(\.fence) }

    /// The exchange did not come through: its settlements are owed still.
    mutating func failed(_ owed: [LaneSettlement]) {
        settling = owed + settling
        mayBeDue = true
        mayHoldUnknown = true
    }

    mutating func reclaimed() { mayHoldUnknown = false }

    mutating func next() -> Step {
        if mayHoldUnknown { return .reclaim(keeping: held) }
        // Connections that come at once share the two thirds that one would get.
        let free = isStopping ? 0 : Self.twoThirds(of: lanesMax - inFlight.count)
        if !settling.isEmpty || (mayBeDue && free > 0) {
            let batch = Array(settling.prefix(settlementsMax))
            settling.removeFirst(batch.count)
            return .exchange(settling: batch, lanesMax: free)
        }
        return isStopping && inFlight.isEmpty ? .finished : .wait
    }
}
