import Models

/// How many lanes this worker works on at once and what it should do next: a decision without clock
/// or I/O. The loop tells it what happened and does what it says.
struct Places {
    enum Step: Equatable {
        /// Settle these and lease up to this many lanes, in one round trip.
        case exchange(settling: [LaneSettlement], lanesMax: Int)
        /// Nothing to do until somebody wakes the loop.
        case wait
        /// Stopped, and nothing is in flight any more.
        case finished
    }

    private let lanesMax: Int
    /// Settlements of one exchange; more wait for the next one.
    private let settlementsMax: Int
    private(set) var inFlight = 0
    private var settling: [LaneSettlement] = []
    private var mayBeDue = true
    private var isStopping = false

    init(lanesMax: Int, settlementsMax: Int) {
        self.lanesMax = lanesMax
        self.settlementsMax = settlementsMax
    }

    /// A lane's turn is over; its settlement is not written yet.
    mutating func finished(_ settlements: [LaneSettlement]) {
        inFlight -= settlements.count
        settling += settlements
    }

    /// Somebody says that lanes may be due: a notification, the clock, the last lease.
    mutating func poked() { mayBeDue = true }

    mutating func stop() { isStopping = true }

    /// - Parameter asked: what the exchange asked for; as many lanes mean that more may be due.
    mutating func leased(_ count: Int, asked: Int) {
        inFlight += count
        mayBeDue = count == asked && asked > 0
    }

    /// The exchange did not come through: its settlements are owed still.
    mutating func failed(_ owed: [LaneSettlement]) {
        settling = owed + settling
        mayBeDue = true
    }

    mutating func next() -> Step {
        let free = isStopping ? 0 : lanesMax - inFlight
        if !settling.isEmpty || (mayBeDue && free > 0) {
            let batch = Array(settling.prefix(settlementsMax))
            settling.removeFirst(batch.count)
            return .exchange(settling: batch, lanesMax: free)
        }
        return isStopping && inFlight == 0 ? .finished : .wait
    }
}
