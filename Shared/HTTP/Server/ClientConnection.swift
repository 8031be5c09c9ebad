/// One client's connection, as its event loop sees it.
final class ClientConnection {
    enum Phase {
        /// Idle, or in the middle of a request.
        case reading
        /// A handler has the request. Nothing more is read, so a client cannot queue requests.
        case handling(Pending)
        case writing(closes: Bool)
        /// The answer is sent; what the client still sends is discarded until it closes.
        case lingering(bytesLeft: Int)
    }

    struct Pending {
        let exchange: UInt64
        /// nil for a loop handler, which has no task.
        let cancellation: HandlerCancellation?
        let keepsAlive: Bool
        let isHead: Bool
    }

    let id: UInt64
    let socket: Socket
    var reader: RequestReader
    var phase = Phase.reading
    /// The handler on the event loop for the request that is being read, if it has one.
    var loopHandler: HTTPLoopHandler?
    /// The end of the phase in monotonic nanoseconds.
    var deadline: UInt64
    /// The part of a request that `deadline` was set for.
    var timed: RequestReader.Progress?
    var interest = Poller.Interest.read
    var outgoing: [UInt8] = []
    var outgoingSent = 0
    /// This connection's share of the loop's buffered bytes.
    var countedBytes = 0
    var exchanges: UInt64 = 0

    var isReading: Bool {
        if case .reading = phase { true } else { false }
    }

    init(id: UInt64, socket: Socket, limits: HTTPServerLimits, deadline: UInt64) {
        self.id = id
        self.socket = socket
        self.reader = RequestReader(limits: limits)
        self.deadline = deadline
    }
}
